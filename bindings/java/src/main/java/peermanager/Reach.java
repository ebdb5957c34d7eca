package peermanager;

/** Which network the node is in. */
public enum Reach {
    /** Everything is stored and drawn, and private addresses are never told to others. The default. */
    SPECIFICATION(0),

    /**
     * For nodes on the Internet: gossip of an address that is new and not routable is refused. If one gets into the table
     * in another way, it is drawn only as a preferred peer, and never told to others.
     */
    PUBLIC(1),

    /**
     * For one machine, a LAN, containers, test networks: private addresses are told to others like any address, and a
     * private address with its port is a netgroup of its own.
     */
    PRIVATE(2);

    private final int value;

    Reach(int value) {
        this.value = value;
    }

    /** The number that the library has for it. */
    int value() {
        return value;
    }
}
