package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A class for each status. */
class ErrorsTest {
    @Test
    void eachStatusHasAClassOfItsOwn() {
        Set<Class<?>> classes = new HashSet<>();
        for (Status status : Status.values()) {
            if (status != Status.UNKNOWN) {
                PeerManagerException error = PeerManagerException.of(status.value(), 7, "what failed");
                assertSame(status, error.status());
                assertEquals(7, error.sqliteCode());
                assertEquals("what failed", error.getMessage());
                assertEquals(status.name(), Status.nameOf(status.value()));
                assertTrue(error.getClass() != PeerManagerException.class && classes.add(error.getClass()), status::name);
            }
        }
    }

    @Test
    void aStatusOfANewerLibraryIsAnErrorToo() {
        PeerManagerException error = PeerManagerException.of(99, 0, "what failed");
        assertSame(Status.UNKNOWN, error.status());
        assertEquals("status 99: what failed", error.getMessage());
        assertEquals("UNKNOWN", Status.nameOf(99));
        assertEquals("OK", Status.nameOf(0));
        assertThrows(UnsupportedException.class, () -> PeerType.of(3));
        assertThrows(UnsupportedException.class, () -> Durability.of(-1));
    }

    @Test
    void aFileThatIsOpenIsBusy(@TempDir Path directory) {
        Options options = Options.file(directory.resolve("peers.db")).withBusyTimeout(Duration.ofMillis(1));
        try (PeerManager peers = PeerManager.open(options)) {
            assertEquals(0, peers.peerCount());
            BusyException error = assertThrows(BusyException.class, () -> PeerManager.open(options));
            assertTrue(error.getMessage().contains("another peer manager has it open"), error::getMessage);
        }
    }

    @Test
    void aDirectoryThatIsNotThereIsADatabaseError(@TempDir Path directory) {
        DatabaseException error = assertThrows(DatabaseException.class,
                () -> PeerManager.open(directory.resolve("none/peers.db")));
        assertTrue(error.sqliteCode() != 0 || error.getMessage().contains("none"), error::getMessage);
        try (PeerManager peers = PeerManager.inMemory()) {
            assertThrows(DatabaseException.class, () -> peers.importFile(directory.resolve("none.db")));
        }
    }

    @Test
    void aDamagedFileIsRefusedOrSetAside(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("peers.db");
        Files.writeString(file, "not a database, and longer than the header of one would be: ".repeat(50));
        assertThrows(CorruptException.class, () -> PeerManager.open(file));
        try (PeerManager peers = PeerManager.open(Options.file(file).withOnCorrupt(OnCorrupt.QUARANTINE))) {
            Quarantine quarantine = peers.getQuarantine().orElseThrow();
            assertTrue(quarantine.path().toString().startsWith(file + ".damaged-"), quarantine::toString);
            assertTrue(Files.exists(quarantine.path()));
            assertEquals(0, quarantine.saved());
        }
    }
}
