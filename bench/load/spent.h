/*
 * spent.h - CPU time spent so far, for the load tools: the difference of two
 * such moments is what a measured time has cost.
 */
#pragma once

/* Seconds. */
struct spent {
	double busy;  /* the machine: user, system, interrupts; clock ticks */
	double own;   /* this process */
	double named; /* what the threads of the named processes have run */
};

struct spent spent_now(const int *pids, unsigned count);
