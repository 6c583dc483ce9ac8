"""The internet addresses that a message may be sent to."""

import ipaddress

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is reached over the internet, and no machine of a private network.

    Loopback, private, link-local (such as a cloud's metadata service), multicast and reserved
    addresses are not, nor is an IPv6 address that leads to such an IPv4 one. Raises ValueError.

    Example:
        >>> is_public("1.1.1.1"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
        (True, False, False)
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        embedded = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64:
            embedded = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if parsed.teredo is not None:
            embedded = parsed.teredo[1]
        if embedded is not None:
            return is_public(str(embedded))
    return parsed.is_global and not parsed.is_multicast
