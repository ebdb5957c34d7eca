package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's examples compile and run as they are printed. */
class ReadmeTest {
    private static List<String> blocks() {
        String readme = Tests.read(Tests.root().resolve("bindings/java/README.md"));
        // One is a part of a list, so it is indented.
        return Tests.all("(?s)\n *```java\n(.*?)\n *```\n", readme).stream().map(String::stripIndent).toList();
    }

    private static String run(Path directory, String name, String program) throws IOException {
        Tests.compile(directory, name, program);
        return Tests.succeed(directory, Tests.java(name));
    }

    @Test
    void theFirstExampleIsAProgramThatExplainsItself(@TempDir Path directory) throws IOException {
        String printed = run(directory, "FirstSteps", blocks().getFirst());
        assertEquals("""
                dialling 203.0.113.5:11625
                dialling core-live-a.stellar.org:11625
                answered: core-live-a.stellar.org:11625, now OUTBOUND
                did not: 203.0.113.5:11625, failures: 1
                told to 198.51.100.7:11625: [core-live-a.stellar.org:11625, 203.0.113.5:11625]
                """, printed.lines().map(line -> line + "\n").sorted(ReadmeTest::diallingFirst).reduce("", String::concat));
    }

    /** Which of the two is dialled first is drawn. */
    private static int diallingFirst(String a, String b) {
        boolean aDials = a.startsWith("dialling");
        boolean bDials = b.startsWith("dialling");
        return aDials && bDials ? a.compareTo(b) : Boolean.compare(bDials, aDials);
    }

    @Test
    void theOtherExamplesRunOnATable(@TempDir Path directory) throws IOException {
        List<String> others = new ArrayList<>(blocks());
        others.removeFirst();
        assertTrue(others.size() >= 2, "the README has more examples");
        for (int i = 0; i < others.size(); i++) {
            String program = """
                    import java.time.*;
                    import java.util.*;
                    import java.util.concurrent.*;
                    import java.util.stream.*;
                    import peermanager.*;

                    class Example%d {
                        public static void main(String[] arguments) throws Exception {
                            PeerAddress address = PeerAddress.parse("example.org:11625");
                            try (PeerManager peers = PeerManager.inMemory()) {
                                peers.ensureExists(address);
                    %s
                            }
                            System.out.print("done");
                        }
                    }
                    """.formatted(i, others.get(i).indent(12));
            assertTrue(run(directory, "Example" + i, program).endsWith("done"));
        }
    }
}
