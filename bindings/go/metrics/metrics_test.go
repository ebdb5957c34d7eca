package metrics

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	pm "peer-manager.example/go/peermanager"
)

func TestEveryCountIsShown(t *testing.T) {
	stats := pm.Stats{Durability: pm.DurabilityDeferred}
	value := reflect.ValueOf(&stats).Elem()
	for i := range value.NumField() {
		if value.Field(i).Kind() == reflect.Uint64 {
			value.Field(i).SetUint(uint64(1000 + i))
		}
	}
	var out bytes.Buffer
	if err := Write(&out, stats); err != nil {
		t.Fatal(err)
	}
	for i := range value.NumField() {
		name := value.Type().Field(i).Name
		// All peers are the sum of the three types: a series of their own would be counted twice.
		if value.Field(i).Kind() != reflect.Uint64 || name == "Peers" {
			continue
		}
		if n := strings.Count(out.String(), " "+strconv.Itoa(1000+i)+"\n"); n != 1 {
			t.Errorf("%s is there %d times in\n%s", name, n, &out)
		}
	}
	for _, line := range []string{
		`peer_manager_info{durability="deferred"} 1`, `peer_manager_peers{type="outbound"} 1003`,
		"peer_manager_failed_writes_total 1008",
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("%q is missing in\n%s", line, &out)
		}
	}
}

func TestTheTextIsThatOfTheOtherLanguages(t *testing.T) {
	want, err := os.ReadFile("../../../examples/golden/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	// What examples/peers.txt makes of an empty table.
	if err := Write(&out, pm.Stats{Peers: 31, Inbound: 31, Ready: 31, Netgroups: 31}); err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("it is\n%s", &out)
	}
}

func TestTheHandlerAnswersUntilTheManagerIsClosed(t *testing.T) {
	peers, err := pm.Open(context.Background(), pm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer peers.Close()
	server := httptest.NewServer(Handler(peers))
	defer server.Close()
	get := func() (*http.Response, string) {
		answer, err := http.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var body bytes.Buffer
		if _, err := body.ReadFrom(answer.Body); err != nil {
			t.Fatal(err)
		}
		return answer, body.String()
	}
	answer, body := get()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != ContentType ||
		!strings.Contains(body, "\npeer_manager_peers_ready 0\n") {
		t.Errorf("it answered %s, %s\n%s", answer.Status, answer.Header, body)
	}
	if err := peers.Close(); err != nil {
		t.Fatal(err)
	}
	if answer, body := get(); answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "closed") {
		t.Errorf("after Close it answered %s\n%s", answer.Status, body)
	}
}
