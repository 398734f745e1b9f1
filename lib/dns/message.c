#include "lib/dns/message.h"

#include "lib/dns/rrtype.h"

void message_write_query(struct wire_writer *w, uint16_t id,
			 const struct dname *qname, uint16_t qtype,
			 uint16_t rrclass, uint16_t udp_payload, bool dnssec,
			 bool nsid)
{
	wire_write16(w, id);
	wire_write16(w, 0);
	wire_write16(w, 1);
	wire_write16(w, 0);
	wire_write16(w, 0);
	wire_write16(w, 1);
	wire_write(w, qname->octets, qname->length);
	wire_write16(w, qtype);
	wire_write16(w, rrclass);

	wire_write8(w, 0);
	wire_write16(w, RRTYPE_OPT);
	wire_write16(w, udp_payload);
	wire_write16(w, 0);
	wire_write16(w, dnssec ? EDNS_DO : 0);
	wire_write16(w, nsid ? 4 : 0);
	if (nsid) {
		wire_write16(w, EDNS_NSID);
		wire_write16(w, 0);
	}
}
