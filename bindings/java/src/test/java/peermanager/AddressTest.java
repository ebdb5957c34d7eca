package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static peermanager.Tests.address;
import static peermanager.Tests.assertFails;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AddressTest {
    @Test
    void addressesAreCanonical() {
        assertEquals("[2001:db8::1]:5", PeerAddress.of("2001:0DB8:0:0::1", 5).toString());
        assertEquals(address("1.2.3.4:5"), PeerAddress.of("::ffff:1.2.3.4", 5));
        assertEquals("example.org", PeerAddress.of("EXAMPLE.org.", 65_535).host());
        assertEquals(65_535, PeerAddress.of("EXAMPLE.org.", 65_535).port());
        assertEquals(PeerAddress.of("Example.ORG", 1).hashCode(), PeerAddress.of("example.org", 1).hashCode());
        assertFalse(PeerAddress.of("example.org", 1).equals(PeerAddress.of("example.org", 2)));
        assertFalse(PeerAddress.of("example.org", 1).equals((Object) "example.org:1"));
    }

    @Test
    void textIsParsedWithAndWithoutADefaultPort() {
        assertEquals(PeerAddress.of("1.2.3.4", 11_625), PeerAddress.parse("1.2.3.4", 11_625));
        assertEquals(PeerAddress.of("2001:db8::1", 7), PeerAddress.parse("[2001:db8::1]:7", 11_625));
        assertFails(InvalidAddressException.class, messageOf("1.2.3.4"), () -> PeerAddress.parse("1.2.3.4", 0));
    }

    private static String messageOf(String text) {
        return assertThrows(InvalidAddressException.class, () -> PeerAddress.parse(text)).getMessage();
    }

    @Test
    void whatAnAddressPrintsIsReadBack() {
        for (String text : List.of("1.2.3.4:1", "[2001:db8::1]:65535", "a.b:7", "expyuzz4wqqyqhjn.onion:8333")) {
            assertEquals(text, address(text).toString());
            assertEquals(address(text), address(address(text).toString()));
        }
    }

    @Test
    void whatIsNoAddressIsRefused() {
        for (String text : List.of("", ":", "1.2.3", "256.1.1.1:1", "1.2.3.4:0", "1.2.3.4:65536", "a b:1", "[::1%lo]:1",
                "x".repeat(300) + ":1", "x".repeat(1_000_000), "höst:1", "\ud800:1")) {
            InvalidAddressException error = assertThrows(InvalidAddressException.class, () -> address(text));
            assertEquals(Status.INVALID_ADDRESS, error.status());
            assertEquals(0, error.sqliteCode());
            assertTrue(error.getMessage().length() < 250 && !error.getMessage().contains("\n"), error.getMessage());
        }
        assertThrows(InvalidAddressException.class, () -> PeerAddress.of("1.2.3.4", 0));
        assertThrows(InvalidAddressException.class, () -> PeerAddress.of("[::1]", 1));
    }

    @Test
    void numbersThatCWouldTruncateAndTextThatItWouldCutAreRefused() {
        assertFails(InvalidArgumentException.class, "port is -1; give 1 to 65535", () -> PeerAddress.of("1.2.3.4", -1));
        assertFails(InvalidArgumentException.class, "port is 65536; give 1 to 65535", () -> PeerAddress.of("1.2.3.4", 65_536));
        assertFails(InvalidArgumentException.class, "defaultPort is 65537; give 1 to 65535",
                () -> PeerAddress.parse("1.2.3.4", 65_537));
        assertFails(InvalidArgumentException.class, "host has a NUL in it", () -> PeerAddress.of("1.2.3.4\0", 1));
        assertFails(InvalidArgumentException.class, "text has a NUL in it", () -> address("1.2.3.4:5\0"));
        assertFails(NullPointerException.class, "host", () -> PeerAddress.of(null, 1));
        assertFails(NullPointerException.class, "text", () -> address(null));
        assertFails(NullPointerException.class, "address", () -> PeerAddress.of(null));
    }

    @Test
    void privateAndRoutableAreAsTheLibrarySays() {
        assertTrue(address("192.168.1.1:1").isPrivate() && !address("192.168.1.1:1").isRoutable());
        assertTrue(!address("192.0.2.1:1").isPrivate() && !address("192.0.2.1:1").isRoutable());
        assertTrue(!address("8.8.8.8:1").isPrivate() && address("8.8.8.8:1").isRoutable());
    }

    @Test
    void addressesOfSocketsGoBothWays() throws UnknownHostException {
        for (String text : List.of("1.2.3.4:5", "[2001:db8::1]:6", "[::1]:7")) {
            InetSocketAddress socket = address(text).toInetSocketAddress();
            assertFalse(socket.isUnresolved(), text);
            assertEquals(address(text), PeerAddress.of(socket));
        }
        for (String text : List.of("example.org:5", "1a.b2:6")) {
            InetSocketAddress socket = address(text).toInetSocketAddress();
            assertTrue(socket.isUnresolved(), text);
            assertEquals(address(text), PeerAddress.of(socket));
        }
        assertEquals(address("1.2.3.4:5"), PeerAddress.of(new InetSocketAddress(InetAddress.getByName("::ffff:1.2.3.4"), 5)));
        assertThrows(InvalidAddressException.class,
                () -> PeerAddress.of(new InetSocketAddress(InetAddress.getByName("1.2.3.4"), 0)));
    }

    @Test
    void addressesAreOrderedByHostThenByPort() {
        List<String> order = List.of("1.2.3.4:5", "1.2.3.4:40000", "a.example:1", "b.example:1");
        assertEquals(order, Stream.of(order.get(3), order.get(1), order.get(0), order.get(2))
                .map(PeerAddress::parse).sorted().map(PeerAddress::toString).toList());
    }
}
