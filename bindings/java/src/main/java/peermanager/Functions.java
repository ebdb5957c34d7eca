package peermanager;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;

/** Makes handles of C functions. */
final class Functions {
    /** The functions of the header that are called, for the test that looks for those that are not. */
    static final Set<String> BOUND = new ConcurrentSkipListSet<>();

    private Functions() {}

    /** A function that may wait: for a lock, for the disk. */
    static MethodHandle function(String name, FunctionDescriptor type) {
        return bind(name, type);
    }

    /**
     * A function that does little, takes no lock and calls nothing back. The garbage collector waits for it, and it costs less
     * in return.
     */
    static MethodHandle quick(String name, FunctionDescriptor type) {
        return bind(name, type, Linker.Option.critical(false));
    }

    @SuppressWarnings("restricted")
    private static MethodHandle bind(String name, FunctionDescriptor type, Linker.Option... options) {
        BOUND.add(name);
        return Library.symbols()
                .map(symbols -> {
                    MemorySegment function = symbols.find(name).orElseThrow(
                            () -> new UnsatisfiedLinkError("libpeer_manager has no function " + name));
                    return Linker.nativeLinker().downcallHandle(function, type, options);
                })
                .orElseGet(() -> failing(type.toMethodType()));
    }

    /** Stands for a function of a library that was not loaded: throws why. */
    private static MethodHandle failing(MethodType type) {
        try {
            MethodHandle failure = MethodHandles.lookup().findStatic(
                    Library.class, "failure", MethodType.methodType(UnsatisfiedLinkError.class));
            MethodHandle thrower = MethodHandles.throwException(type.returnType(), UnsatisfiedLinkError.class);
            return MethodHandles.dropArguments(
                    MethodHandles.collectArguments(thrower, 0, failure), 0, type.parameterList());
        } catch (ReflectiveOperationException error) {
            throw new AssertionError("the method is there", error);
        }
    }

    /** C throws nothing, so this is an error of the JVM, or of loading the library. */
    static RuntimeException unexpected(Throwable error) {
        if (error instanceof Error serious) {
            throw serious;
        }
        if (error instanceof RuntimeException exception) {
            throw exception;
        }
        throw new AssertionError(error);
    }
}
