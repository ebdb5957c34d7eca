package golden;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Replays a script of operations and prints the transcript; ../golden/README.md says what is in them. A transcript is a script, too.
 */
public final class Golden {
    private static final String OPERATION = "> ";
    private static final String PRINTED = "  ";

    private Golden() {}

    /**
     * Plays one script.
     *
     * @param arguments its path
     * @throws IOException if it cannot be read
     */
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            System.err.println("usage: golden SCRIPT");
            System.exit(2);
        }
        Path directory = Files.createTempDirectory("peer_manager-golden-");
        try (Player player = new Player(directory);
                PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8)) {
            // Not Files.readAllLines: it takes more than newlines for the end of a line.
            String script = Files.readString(Path.of(arguments[0]));
            List<String> lines = List.of(script.substring(0, script.length() - (script.endsWith("\n") ? 1 : 0)).split("\n", -1));
            boolean isTranscript = lines.stream().filter(line -> !isPassedOver(line)).findFirst()
                    .map(line -> line.startsWith(OPERATION)).orElse(false);
            for (String line : lines) {
                play(player, line, isTranscript, out);
            }
        } finally {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static boolean isPassedOver(String line) {
        return line.isEmpty() || line.startsWith("#");
    }

    private static void play(Player player, String line, boolean isTranscript, PrintStream out) {
        if (isPassedOver(line)) {
            if (isTranscript) {
                out.print(line + "\n");
            }
            return;
        }
        if (isTranscript && line.startsWith(PRINTED)) {
            return;
        }
        if (isTranscript && !line.startsWith(OPERATION)) {
            throw new IllegalArgumentException("not a line of a transcript: " + line);
        }
        String operation = isTranscript ? line.substring(OPERATION.length()) : line;
        out.print(OPERATION + operation + "\n");
        for (String printed : player.play(operation)) {
            out.print(PRINTED + printed + "\n");
        }
    }
}
