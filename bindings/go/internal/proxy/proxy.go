// Package proxy writes modules of this tree as a module proxy serves them, so that tests install them as `go get` does from
// a published copy.
package proxy

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// Add adds the module whose go.mod is in a directory to the proxy in another one, under this version, such as v0.2.0. GOPROXY
// is file:// and the proxy's path then.
func Add(proxy, directory, version string) error {
	mod, err := os.ReadFile(filepath.Join(directory, "go.mod"))
	if err != nil {
		return err
	}
	path, err := modulePath(mod)
	if err != nil {
		return err
	}
	at := filepath.Join(proxy, filepath.FromSlash(escaped(path)), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	info := fmt.Sprintf(`{"Version":%q,"Time":%q}`, version, time.Unix(0, 0).UTC().Format(time.RFC3339))
	for name, content := range map[string][]byte{
		"list": []byte(version + "\n"), version + ".info": []byte(info), version + ".mod": mod,
	} {
		if err := os.WriteFile(filepath.Join(at, name), content, 0o644); err != nil {
			return err
		}
	}
	file, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		return err
	}
	err = pack(file, directory, path+"@"+version+"/")
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

func modulePath(mod []byte) (string, error) {
	for line := range strings.Lines(string(mod)) {
		if path, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(path), nil
		}
	}
	return "", fmt.Errorf("go.mod names no module")
}

// escaped is a path as the names of files, which some systems do not tell apart by case.
func escaped(path string) string {
	var out strings.Builder
	for _, r := range path {
		if unicode.IsUpper(r) {
			out.WriteByte('!')
			r = unicode.ToLower(r)
		}
		out.WriteRune(r)
	}
	return out.String()
}

// pack writes the files of a module: those that are regular, without what is generated and without modules below.
func pack(out io.Writer, directory, prefix string) error {
	archive := zip.NewWriter(out)
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, noModule := os.Stat(filepath.Join(path, "go.mod"))
			if path != directory && (noModule == nil || entry.Name() == "build" || entry.Name()[0] == '.') {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(directory, path)
		if err != nil {
			return err
		}
		writer, err := archive.Create(prefix + filepath.ToSlash(name))
		if err != nil {
			return err
		}
		_, err = writer.Write(content)
		return err
	})
	if err != nil {
		return err
	}
	return archive.Close()
}
