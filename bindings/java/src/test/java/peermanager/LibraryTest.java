package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the library is found, in JVMs of their own. */
class LibraryTest {
    private static final String PROGRAM = """
            public class Uses {
                public static void main(String[] arguments) {
                    for (int i = 0; i < 2; i++) {
                        try {
                            peermanager.PeerManager.inMemory().close();
                            System.out.println(peermanager.PeerManager.libraryVersion());
                        } catch (Throwable error) {
                            System.out.println(error.getClass().getName() + ": " + error.getMessage());
                        }
                    }
                }
            }
            """;

    @TempDir
    static Path program;

    @TempDir
    Path directory;

    @BeforeAll
    static void compile() throws IOException {
        Tests.compile(program, "Uses", PROGRAM);
    }


    /** What the program prints; it says the same the second time. */
    private String uses(String... options) {
        List<String> arguments = new ArrayList<>(List.of(options));
        arguments.add("Uses");
        String[] lines = printed(new ProcessBuilder(Tests.java(arguments.toArray(String[]::new)))).split("\n");
        assertEquals(2, lines.length, () -> String.join("\n", lines));
        assertEquals(lines[0], lines[1]);
        return lines[0];
    }

    /** Its output; the JVM's warnings go to the other one. The current directory is on the class path. */
    private String printed(ProcessBuilder builder) {
        try {
            Process process = builder.directory(program.toFile())
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException error) {
            throw new AssertionError(error);
        }
    }

    /** Where the library is in the classes. */
    private static Path inside() {
        return Path.of(System.getProperty("peer_manager.tests.classes"), "peermanager", "native", Library.platform(),
                System.mapLibraryName("peer_manager"));
    }

    private Path compiled(String name, String program) throws IOException {
        Files.writeString(directory.resolve(name + ".c"), program);
        String compiler = Optional.ofNullable(System.getenv("CC")).filter(command -> !command.isBlank()).orElse("cc");
        Tests.succeed(directory, List.of(compiler, "-shared", "-fPIC", "-o", name + ".so", name + ".c"));
        return directory.resolve(name + ".so");
    }

    @Test
    void itIsFoundInTheJarAndNoTemporaryFileStays() throws IOException {
        assertTrue(Files.exists(inside()), "make native puts it there");
        Path temporary = Files.createDirectory(directory.resolve("tmp"));
        assertEquals(Tests.version(), uses("-Djava.io.tmpdir=" + temporary));
        try (Stream<Path> left = Files.list(temporary)) {
            assertEquals(List.of(), left.filter(file -> !file.getFileName().toString().startsWith("hsperfdata")).toList());
        }
    }

    @Test
    void aPropertyOrTheEnvironmentNamesIt() throws IOException {
        assertEquals(Tests.version(), uses("-Dpeer_manager.library=" + inside(), "-Djava.io.tmpdir=/nonexistent"));
        ProcessBuilder builder = new ProcessBuilder(Tests.java("Uses"));
        builder.environment().put("PEER_MANAGER_LIBRARY", directory.resolve("none.so").toString());
        String printed = printed(builder);
        String expected = "java.lang.UnsatisfiedLinkError: cannot load " + directory.resolve("none.so")
                + ", which the environment variable PEER_MANAGER_LIBRARY names: there is no such file\n";
        assertEquals(expected.repeat(2), printed);
    }

    @Test
    void aFileThatIsMissingOrNoLibraryIsReportedEachTime() throws IOException {
        Path none = directory.resolve("none.so");
        assertEquals("java.lang.UnsatisfiedLinkError: cannot load " + none
                + ", which the system property peer_manager.library names: there is no such file",
                uses("-Dpeer_manager.library=" + none));
        Path text = Files.writeString(directory.resolve("text.so"), "text");
        assertEquals("java.lang.UnsatisfiedLinkError: cannot load " + text
                + ", which the system property peer_manager.library names: it is not a library for " + Library.platform(),
                uses("-Dpeer_manager.library=" + text));
    }

    @Test
    void anotherLibraryAndOneThatIsTooOldAreRefused() throws IOException {
        Path other = compiled("other", "int x;\n");
        assertEquals("java.lang.UnsatisfiedLinkError: cannot use " + other + ": it is not libpeer_manager",
                uses("-Dpeer_manager.library=" + other));
        for (String version : List.of("0.1.0", "1.2.3")) {
            String[] parts = version.split("[.]");
            Path library = compiled("old" + parts[0], "unsigned peer_manager_version_number(void) { return "
                    + parts[0] + " * 1000000 + " + parts[1] + " * 1000 + " + parts[2] + "; }\n");
            assertEquals("java.lang.UnsatisfiedLinkError: cannot use " + library + ": it is version " + version
                    + ", and this binding needs 0.2.0 or a later 0.x", uses("-Dpeer_manager.library=" + library));
        }
    }

    @Test
    void withoutOneInTheJarTheSystemsLoaderIsAsked() throws IOException {
        Path classes = Files.createDirectories(directory.resolve("classes/peermanager"));
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("peer_manager.tests.classes"), "peermanager"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, classes.resolve(file.getFileName()));
            }
        }
        List<String> command = new ArrayList<>(Tests.java("-cp", directory.resolve("classes") + ":" + program, "Uses"));
        String name = "libpeer_manager.so.0";
        ProcessBuilder builder = new ProcessBuilder(command);
        String printed = printed(builder);
        String platform = Library.platform();
        String version = Tests.version() + "\n";
        // A library that is installed on this machine is found.
        String expected = "java.lang.UnsatisfiedLinkError: cannot find libpeer_manager: the jar has no /peermanager/native/" + platform
                + "/libpeer_manager.so, and the system's loader does not find " + name
                + "; give the path of the library with -Dpeer_manager.library=… or with the environment variable"
                + " PEER_MANAGER_LIBRARY\n";
        assertTrue(printed.equals(expected.repeat(2)) || printed.equals(version.repeat(2)), printed);
        Path installed = Files.createDirectory(directory.resolve("installed"));
        Files.copy(inside(), installed.resolve(name));
        builder.environment().put("LD_LIBRARY_PATH", installed.toString());
        assertEquals(version.repeat(2), printed(builder));
    }
}
