package peermanager;

/** A kind of addresses, for {@link Query#withNetworks}. */
public enum Network {
    /** IPv4 addresses. */
    IPV4(1),

    /** IPv6 addresses, also those that wrap an IPv4 address. */
    IPV6(2),

    /** Tor's onion services: names that end in .onion. */
    ONION(4),

    /** I2P's destinations: names that end in .i2p. */
    I2P(8),

    /** All other names. */
    NAME(16);

    private final int value;

    Network(int value) {
        this.value = value;
    }

    /** The number that the library has for it. */
    int value() {
        return value;
    }
}
