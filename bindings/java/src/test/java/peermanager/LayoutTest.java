package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The structs here are those of the header, as a C compiler lays them out. */
class LayoutTest {
    @Test
    void everyStructOfTheHeaderIsHere() {
        TreeSet<String> declared =
                new TreeSet<>(Tests.all("(?m)^typedef struct (peer_manager_[a-z_]+) \\{", Tests.header()));
        assertEquals(declared, new TreeSet<>(Layouts.ALL.keySet()));
    }

    @Test
    void everyMemberIsWhereTheCompilerPutsIt(@TempDir Path directory) throws IOException {
        StringBuilder program = new StringBuilder("#include <peer_manager.h>\n#include <stdio.h>\nint main(void) {\n");
        StringBuilder expected = new StringBuilder();
        new TreeMap<>(Layouts.ALL).forEach((name, struct) -> {
            print(program, expected, name, "sizeof(" + name + ")", struct.byteSize());
            // The header names the members in its own order, so that one that is missing here is noticed.
            for (String member : members(name)) {
                MemoryLayout layout = member(struct, member);
                print(program, expected, name + "." + member, "offsetof(" + name + ", " + member + ")",
                        Layouts.offset(struct, member));
                print(program, expected, "sizeof " + name + "." + member, "sizeof(((" + name + " *)0)->" + member + ")",
                        layout.byteSize());
            }
        });
        Files.writeString(directory.resolve("layouts.c"), program.append("  return 0;\n}\n"));
        String compiler = Optional.ofNullable(System.getenv("CC")).filter(command -> !command.isBlank()).orElse("cc");
        Tests.succeed(directory, List.of(compiler, "-Wall", "-Werror", "-I", Tests.root().resolve("include").toString(),
                "-o", "layouts", "layouts.c"));
        assertEquals(expected.toString(),
                Tests.succeed(directory, List.of(directory.resolve("layouts").toString())));
    }

    private static void print(StringBuilder program, StringBuilder expected, String name, String value, long ours) {
        program.append("  printf(\"").append(name).append(" %zu\\n\", ").append(value).append(");\n");
        expected.append(name).append(' ').append(ours).append('\n');
    }

    private static List<String> members(String struct) {
        String body = Tests.all("(?s)typedef struct " + struct + " \\{(.*?)\\n\\} " + struct + ";", Tests.header()).getFirst();
        body = body.replaceAll("(?s)/\\*.*?\\*/", "").replace("(*clock)(void *clock_context)", "clock");
        List<String> members = Tests.all("(\\w+)(?:\\[\\w+\\])?;", body);
        assertEquals(members.size(), Layouts.ALL.get(struct).memberLayouts().stream().filter(m -> m.name().isPresent()).count(),
                struct + members);
        return members;
    }

    private static MemoryLayout member(StructLayout struct, String name) {
        return struct.select(MemoryLayout.PathElement.groupElement(name));
    }
}
