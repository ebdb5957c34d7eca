package node;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import peermanager.PeerAddress;
import peermanager.PeerManager;
import peermanager.PeerManagerException;
import peermanager.PeerType;
import peermanager.Snapshot;

/** Lists of addresses, one a line: how they come in and go out. All languages' examples read and write the same. */
final class Lists {
    static final int DEFAULT_PORT = 11625;

    private Lists() {}

    /** What became of a list. */
    record Imported(int read, long added, int bad) {}

    /** Adds the addresses of a text file; the first of them become preferred. A line that is no address is reported and skipped. */
    static Imported read(PeerManager peers, Path path, int preferred, PrintStream report) throws IOException {
        List<PeerAddress> addresses = new ArrayList<>();
        int bad = 0;
        int number = 0;
        // Not Files.readAllLines: it takes more than newlines for the end of a line, and refuses what is not UTF-8.
        for (String line : new String(readAll(path), StandardCharsets.UTF_8).split("\n", -1)) {
            number++;
            String text = trimmed(line);
            if (text.isEmpty() || text.startsWith("#")) {
                continue;
            }
            try {
                addresses.add(PeerAddress.parse(text, DEFAULT_PORT));
            } catch (PeerManagerException error) {
                report.println(path + ":" + number + ": " + error.getMessage());
                bad++;
            }
        }
        long added = peers.ensureExistsMany(addresses);
        for (PeerAddress address : addresses.subList(0, Math.min(preferred, addresses.size()))) {
            peers.updateType(address, PeerType.PREFERRED, true);
        }
        return new Imported(addresses.size(), added, bad);
    }

    private static byte[] readAll(Path path) throws IOException {
        try {
            return Files.readAllBytes(path);
        } catch (NoSuchFileException error) {
            throw new IOException("cannot read " + path + ": there is no such file", error);
        } catch (IOException error) {
            throw new IOException("cannot read " + path + ": " + error.getMessage(), error);
        }
    }

    /** Without the white space at both ends; String.strip would cut off more. */
    private static String trimmed(String line) {
        int start = 0;
        int end = line.length();
        while (start < end && isWhite(line.charAt(start))) {
            start++;
        }
        while (end > start && isWhite(line.charAt(end - 1))) {
            end--;
        }
        return line.substring(start, end);
    }

    private static boolean isWhite(char c) {
        return c == ' ' || c == '\t' || c == '\r';
    }

    /**
     * Writes the addresses of all peers, sorted. It writes a file next to the one that is wanted, which then takes its place at once:
     * whatever happens meanwhile, no reader finds half a list.
     */
    static void write(PeerManager peers, Path path) throws IOException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && !Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(
                    "cannot write " + path + ": it is there and no regular file; give another path");
        }
        String lines;
        try (Snapshot snapshot = peers.getAllPeers()) {
            lines = snapshot.stream().map(record -> record.address() + "\n").sorted().collect(Collectors.joining());
        }
        Path temporary = path.resolveSibling(path.getFileName() + ".tmp-" + ProcessHandle.current().pid());
        try {
            try (FileChannel file = FileChannel.open(
                    temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
                ByteBuffer bytes = ByteBuffer.wrap(lines.getBytes(StandardCharsets.US_ASCII));
                while (bytes.hasRemaining()) {
                    file.write(bytes);
                }
                file.force(true);
            }
            Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (FileAlreadyExistsException error) {
            throw new IOException("cannot write " + path + ": " + error.getMessage() + " is in the way", error);
        } catch (NoSuchFileException error) {
            throw new IOException("cannot write " + path + ": there is no such directory", error);
        } catch (IOException error) {
            Files.deleteIfExists(temporary);
            throw new IOException("cannot write " + path + ": " + error.getMessage(), error);
        }
    }
}
