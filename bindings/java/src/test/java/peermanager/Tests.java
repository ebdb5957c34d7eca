package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.function.Executable;

/** What the tests share. */
final class Tests {
    static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);

    private Tests() {}

    static PeerAddress address(String text) {
        return PeerAddress.parse(text);
    }

    static List<PeerAddress> addresses(String... texts) {
        return Stream.of(texts).map(PeerAddress::parse).toList();
    }

    /** As many public addresses, each in a netgroup with 255 others. */
    static List<PeerAddress> many(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> PeerAddress.of("20." + i / 65_536 + "." + i / 256 % 256 + "." + i % 256, 8333))
                .toList();
    }

    /** Options of a table in memory with a fixed seed and a clock that stands still. */
    static Options still() {
        return Options.inMemory().withRngSeed(1).withClock(() -> NOW);
    }

    static <T extends Throwable> void assertFails(Class<T> type, String message, Executable call) {
        assertEquals(message, assertThrows(type, call).getMessage());
    }

    /** The root of the source tree. */
    static Path root() {
        return Path.of(System.getProperty("peer_manager.tests.root")).normalize();
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException error) {
            throw new AssertionError(error);
        }
    }

    static String header() {
        return read(root().resolve("include/peer_manager.h"));
    }

    /** The version of the source tree. */
    static String version() {
        return all("PEER_MANAGER_VERSION_STRING \"(.*?)\"", header()).getFirst();
    }

    /** What the pattern's first group matches, each time. */
    static List<String> all(String pattern, String text) {
        List<String> found = new ArrayList<>();
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        while (matcher.find()) {
            found.add(matcher.group(1));
        }
        return found;
    }

    /** What a process wrote to both of its outputs, and how it ended. */
    record Ended(int status, String output) {}

    static Ended run(Path directory, List<String> command) {
        try {
            Process process = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Ended(process.waitFor(), output);
        } catch (IOException | InterruptedException error) {
            throw new AssertionError(error);
        }
    }

    static String succeed(Path directory, List<String> command) {
        Ended ended = run(directory, command);
        assertEquals(0, ended.status, () -> command + "\n" + ended.output);
        return ended.output;
    }

    /** Compiles a program against the binding, without warnings. */
    static void compile(Path directory, String name, String program) throws IOException {
        Files.writeString(directory.resolve(name + ".java"), program);
        succeed(directory, List.of(Path.of(System.getProperty("java.home"), "bin", "javac").toString(), "-Xlint:all", "-Werror",
                "-cp", System.getProperty("peer_manager.tests.classes"), name + ".java"));
    }

    /** A JVM like this one with the binding on its class path, and these arguments. */
    static List<String> java(String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"),
                "-cp",
                System.getProperty("peer_manager.tests.classes") + System.getProperty("path.separator") + "."));
        command.addAll(List.of(arguments));
        return command;
    }

    /** Collects garbage until something is so, which the garbage collector decides: it is asked for a long time. */
    static boolean afterCollection(Supplier<Boolean> condition) throws InterruptedException {
        for (int i = 0; i < 500; i++) {
            if (condition.get()) {
                return true;
            }
            System.gc();
            Thread.sleep(10);
        }
        return false;
    }
}
