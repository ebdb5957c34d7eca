package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
)

func TestADayIsTheSameEachTime(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := run(context.Background(), arguments{list: "../../peers.txt", metrics: true}, out, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	if first.String() != second.String() {
		t.Errorf("the first day was\n%s\nand the second\n%s", &first, &second)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) != 0 {
		t.Errorf("it left %v behind (%v)", left, err)
	}
}

func TestAnInterruptEndsTheDay(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := run(ctx, arguments{list: "../../peers.txt"}, io.Discard, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

func TestArgumentsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, words := range [][]string{
		nil, {"a", "b"}, {"--what"}, {"--import"}, {"--database", "peers.db"}, {"--database", "peers.db", "list.txt"},
	} {
		if wanted, err := parse(words); err == nil {
			t.Errorf("%q is taken for %+v", words, wanted)
		}
	}
	wanted, err := parse([]string{"--import", "a", "--export=b", "--metrics", "c"})
	if err != nil || wanted != (arguments{list: "c", in: "a", out: "b", metrics: true}) {
		t.Errorf("it is %+v (%v)", wanted, err)
	}
}
