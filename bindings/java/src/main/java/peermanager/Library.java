package peermanager;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Optional;

/**
 * Finds and loads the shared library. What fails is remembered, and every call into the library reports it then: an error
 * in a static initialiser would be reported well once only.
 */
final class Library {
    /** Names the file of the library; nothing else is tried then. */
    static final String PROPERTY = "peer_manager.library";

    private static final String VARIABLE = "PEER_MANAGER_LIBRARY";

    /** The first version that has all functions, as the library counts. */
    private static final int OLDEST = 2_000;

    private static final int NEXT_MAJOR = 1_000_000;

    private static final SymbolLookup SYMBOLS;
    private static final String FAILURE;

    static {
        SymbolLookup symbols = null;
        String failure = null;
        try {
            symbols = checked(find());
        } catch (UnsatisfiedLinkError | IllegalCallerException error) {
            failure = error.getMessage();
        }
        SYMBOLS = symbols;
        FAILURE = failure;
    }

    private Library() {}

    /** The symbols of the library; empty if it was not loaded. */
    static Optional<SymbolLookup> symbols() {
        return Optional.ofNullable(SYMBOLS);
    }

    /** Why the library was not loaded, as a new error with the stack of the caller. */
    static UnsatisfiedLinkError failure() {
        return new UnsatisfiedLinkError(FAILURE);
    }

    /** A library, and what to call it in a message. */
    private record Found(SymbolLookup symbols, String what) {}

    private static Found find() {
        String path = System.getProperty(PROPERTY);
        if (path != null) {
            return at(path, "the system property " + PROPERTY);
        }
        path = System.getenv(VARIABLE);
        if (path != null && !path.isEmpty()) {
            return at(path, "the environment variable " + VARIABLE);
        }
        String name = "/peermanager/native/" + platform() + "/" + fileName();
        try (InputStream inside = Library.class.getResourceAsStream(name)) {
            return inside != null ? extracted(inside, name) : ofTheSystem(name);
        } catch (IOException error) {
            throw new UnsatisfiedLinkError("cannot put the library of the jar into a temporary file: " + error
                    + "; make room in the directory java.io.tmpdir, or give the path of a library with -D" + PROPERTY);
        }
    }

    private static Found at(String text, String source) {
        try {
            Path path = Path.of(text).toAbsolutePath();
            if (!Files.isRegularFile(path)) {
                throw new UnsatisfiedLinkError("cannot load " + path + ", which " + source + " names: there is no such file");
            }
            return new Found(open(path), path.toString());
        } catch (InvalidPathException error) {
            throw new UnsatisfiedLinkError("cannot load what " + source + " names: " + error.getMessage());
        } catch (IllegalArgumentException error) {
            throw new UnsatisfiedLinkError("cannot load " + text + ", which " + source + " names: it is not a library for "
                    + platform());
        }
    }

    private static Found extracted(InputStream inside, String name) throws IOException {
        Path file = Files.createTempFile("peer_manager-", "-" + fileName());
        try {
            Files.copy(inside, file, StandardCopyOption.REPLACE_EXISTING);
            return new Found(open(file), "the library in the jar");
        } catch (IllegalArgumentException error) {
            throw new UnsatisfiedLinkError("cannot load " + name + " of the jar from " + file.getParent()
                    + ": no program can be loaded from there, or it is for another system; set java.io.tmpdir to another"
                    + " directory, or give the path of a library with -D" + PROPERTY);
        } finally {
            // Once loaded, it is not needed any more, except on Windows, which refuses.
            try {
                Files.deleteIfExists(file);
            } catch (IOException error) {
                file.toFile().deleteOnExit();
            }
        }
    }

    @SuppressWarnings("restricted")
    private static Found ofTheSystem(String name) {
        String shared = sonameOfTheSystem();
        try {
            return new Found(SymbolLookup.libraryLookup(shared, Arena.global()), shared);
        } catch (IllegalArgumentException error) {
            throw new UnsatisfiedLinkError("cannot find libpeer_manager: the jar has no " + name
                    + ", and the system's loader does not find " + shared + "; give the path of the library with -D" + PROPERTY
                    + "=… or with the environment variable " + VARIABLE);
        }
    }

    @SuppressWarnings("restricted")
    private static SymbolLookup open(Path path) {
        return SymbolLookup.libraryLookup(path, Arena.global());
    }

    /** Refuses what is not the library, and a version that lacks functions or has others. */
    private static SymbolLookup checked(Found found) {
        if (ValueLayout.ADDRESS.byteSize() != Long.BYTES) {
            throw new UnsatisfiedLinkError("cannot use libpeer_manager: this binding is for systems with 64 bits");
        }
        MemorySegment function = found.symbols.find("peer_manager_version_number").orElseThrow(
                () -> new UnsatisfiedLinkError("cannot use " + found.what + ": it is not libpeer_manager"));
        int version = versionNumber(function);
        if (version < OLDEST || version >= NEXT_MAJOR) {
            throw new UnsatisfiedLinkError(String.format(Locale.ROOT,
                    "cannot use %s: it is version %d.%d.%d, and this binding needs 0.%d.%d or a later 0.x",
                    found.what, version / 1_000_000, version / 1_000 % 1_000, version % 1_000, OLDEST / 1_000, OLDEST % 1_000));
        }
        return found.symbols;
    }

    @SuppressWarnings("restricted")
    private static int versionNumber(MemorySegment function) {
        try {
            return (int) Linker.nativeLinker()
                    .downcallHandle(function, FunctionDescriptor.of(ValueLayout.JAVA_INT))
                    .invokeExact();
        } catch (RuntimeException | Error error) {
            throw error;
        } catch (Throwable error) {
            throw new AssertionError("the library throws nothing", error);
        }
    }

    /** Where the library of this system is in the jar. */
    static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String processor = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return (system.startsWith("mac") ? "macos" : system.startsWith("windows") ? "windows" : system) + "-"
                + (processor.equals("amd64") ? "x86_64" : processor);
    }

    private static String fileName() {
        return System.mapLibraryName("peer_manager");
    }

    private static String sonameOfTheSystem() {
        return platform().startsWith("linux") ? fileName() + ".0" : fileName();
    }
}
