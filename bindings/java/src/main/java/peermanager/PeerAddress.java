package peermanager;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Objects;

/**
 * Where a peer listens: a host and a port. Immutable, and always canonical: IPv6 in the form of RFC 5952, IPv4-mapped IPv6 as
 * IPv4, names in lower case without a trailing dot. So {@code equals} compares addresses, not spellings.
 *
 * <p>It is a class and not a record, because addresses that the library has written need no second check.
 */
public final class PeerAddress implements Comparable<PeerAddress> {
    private final String host;
    private final char port;

    /** For a canonical host only. */
    PeerAddress(String host, char port) {
        this.host = host;
        this.port = port;
    }

    /**
     * Makes an address from a host and a port.
     *
     * @param host an IPv4 address, an IPv6 address without brackets, or a name, in any spelling
     * @param port 1 to 65535
     * @return the address
     * @throws InvalidAddressException if it is none
     * @throws InvalidArgumentException for a port that is no number of 16 bits, and for a NUL in the host
     */
    public static PeerAddress of(String host, int port) {
        Objects.requireNonNull(host, "host");
        char number = Checks.port(port, "port");
        Scratch scratch = Scratch.take();
        try {
            scratch.check(Native.addressInit(scratch.text(host, "host"), number, scratch.address, scratch.error));
            return Layouts.readAddress(scratch.address, 0);
        } finally {
            scratch.give();
        }
    }

    /**
     * Makes an address from that of a socket. An unresolved one is a name, which is not looked up. To store the peer, set the
     * port at which it listens: the one of a connection that was accepted is not.
     *
     * @param address the address of a socket
     * @return the address
     * @throws InvalidAddressException for port 0, for an IPv6 address with a scope, and for a name that is none
     */
    public static PeerAddress of(InetSocketAddress address) {
        Objects.requireNonNull(address, "address");
        InetAddress ip = address.getAddress();
        return of(ip == null ? address.getHostString() : ip.getHostAddress(), address.getPort());
    }

    /**
     * Makes an address from text that names a port: {@code 1.2.3.4:11625}, {@code [2001:db8::1]:11625},
     * {@code core-live-a.stellar.org:11625}.
     *
     * @param text the text; no white space, no scope ids, no masks, no schemes
     * @return the address
     * @throws InvalidAddressException if it is none
     * @throws InvalidArgumentException for a NUL in the text
     */
    public static PeerAddress parse(String text) {
        return parse(text, 0);
    }

    /**
     * Makes an address from text that may name a port, as {@link #parse(String)} does.
     *
     * @param text the text, also without a port: {@code 1.2.3.4}, {@code 2001:db8::1}
     * @param defaultPort the port of text that has none; 0 when the text must have one
     * @return the address
     * @throws InvalidAddressException if it is none
     * @throws InvalidArgumentException for a port that is no number of 16 bits, and for a NUL in the text
     */
    public static PeerAddress parse(String text, int defaultPort) {
        Objects.requireNonNull(text, "text");
        char number = Checks.port(defaultPort, "defaultPort");
        Scratch scratch = Scratch.take();
        try {
            scratch.check(Native.addressParse(scratch.text(text, "text"), number, scratch.address, scratch.error));
            return Layouts.readAddress(scratch.address, 0);
        } finally {
            scratch.give();
        }
    }

    /**
     * Returns the host.
     *
     * @return an IPv4 address, an IPv6 address without brackets, or a name
     */
    public String host() {
        return host;
    }

    /**
     * Returns the port.
     *
     * @return 1 to 65535
     */
    public int port() {
        return port;
    }

    /**
     * Returns whether the address means something else, or nothing, to a stranger, so that it is not sent to one: private,
     * shared, link-local and loopback networks, {@code localhost} and the like.
     *
     * @return whether it is private
     */
    public boolean isPrivate() {
        Scratch scratch = Scratch.take();
        try {
            Layouts.writeAddress(this, scratch.address, 0);
            return Native.addressIsPrivate(scratch.address);
        } finally {
            scratch.give();
        }
    }

    /**
     * Returns whether a stranger on the Internet may be able to reach the address: it is not private, and not set aside by
     * IANA's registries for examples or for no host at all.
     *
     * @return whether it is routable
     */
    public boolean isRoutable() {
        Scratch scratch = Scratch.take();
        try {
            Layouts.writeAddress(this, scratch.address, 0);
            return Native.addressIsRoutable(scratch.address);
        } finally {
            scratch.give();
        }
    }

    /**
     * Returns the address for a socket. Nothing is looked up: that of a name is unresolved.
     *
     * @return the address
     */
    public InetSocketAddress toInetSocketAddress() {
        // The last label of a name is not all digits.
        boolean isIp = isIpv6() || Character.digit(host.charAt(host.length() - 1), 10) >= 0 && isIpv4();
        if (!isIp) {
            return InetSocketAddress.createUnresolved(host, port);
        }
        try {
            return new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (UnknownHostException error) {
            throw new AssertionError("an IP address needs no looking up", error);
        }
    }

    private boolean isIpv4() {
        return host.chars().allMatch(c -> c == '.' || c >= '0' && c <= '9');
    }

    private boolean isIpv6() {
        return host.indexOf(':') >= 0;
    }

    /**
     * Compares the hosts as text, then the ports: an order for sorting, which says nothing about networks.
     *
     * @param other another address
     * @return less than, equal to or more than 0
     */
    @Override
    public int compareTo(PeerAddress other) {
        int hosts = host.compareTo(other.host);
        return hosts != 0 ? hosts : Character.compare(port, other.port);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PeerAddress address && port == address.port && host.equals(address.host);
    }

    @Override
    public int hashCode() {
        return 31 * host.hashCode() + port;
    }

    /**
     * Returns the address as text, with an IPv6 host in brackets: what {@link #parse(String)} reads.
     *
     * @return {@code host:port}
     */
    @Override
    public String toString() {
        return isIpv6() ? "[" + host + "]:" + (int) port : host + ":" + (int) port;
    }
}
