// A program that shows from within what a pod is like, in an image without a shell. Its log has one JSON object a line.
//   - `serve` listens at the ports of `HTTP`, `GRPC` (health alone, ready once `READY_AFTER` seconds are over) and `UDP`, and says
//
// that it started, with what it found: its arguments, its user and rights, the files of `READ` and whether it can write to `WRITE`.
//   - `check FILE` ends with 0 if the file is there; `say WORD` tells the pod at `RECORDER` a word.
//   - On SIGTERM it says so, tells `RECORDER`, and ends after `LINGER` seconds.
//   - After 20 seconds, it takes so many MiB of memory as `EAT` says.
//   - At `/say?WORD` it logs what others tell it; the addresses of `ASK` it asks itself.
//
// `/as-root` is the same with a set-user-ID bit.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func say(entry map[string]any) {
	entry["at"] = time.Now().UnixMilli()
	json.NewEncoder(os.Stdout).Encode(entry)
}

func tell(word string) {
	if recorder := os.Getenv("RECORDER"); recorder != "" {
		http.Get("http://" + recorder + "/say?" + word)
	}
}

func list(name string) []string { return strings.Fields(os.Getenv(name)) }

func main() {
	command := os.Args[1]
	switch command {
	case "check":
		if _, err := os.Stat(os.Args[2]); err != nil {
			os.Exit(1)
		}
	case "say":
		tell(os.Args[2])
	default:
		serve()
	}
}

func serve() {
	seconds := func(name string) time.Duration {
		count, _ := strconv.Atoi(os.Getenv(name))
		return time.Duration(count) * time.Second
	}
	ready := time.Now().Add(seconds("READY_AFTER"))
	stop, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	mux := http.NewServeMux()
	mux.HandleFunc("/say", func(w http.ResponseWriter, r *http.Request) { say(map[string]any{"said": r.URL.RawQuery}) })
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })
	// The answer SERVING of https://github.com/grpc/grpc/blob/master/doc/health-checking.md, or NOT_SERVING.
	mux.HandleFunc("/grpc.health.v1.Health/Check", func(w http.ResponseWriter, r *http.Request) {
		request, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		status := byte(1)
		if time.Now().Before(ready) {
			status = 2
		}
		w.Write([]byte{0, 0, 0, 0, 2, 8, status})
		w.Header().Set("Grpc-Status", "0")
		if len(request) > 5 && status == 1 {
			say(map[string]any{"health": string(request[7:])})
		}
	})
	for _, name := range []string{"HTTP", "GRPC"} {
		for _, port := range list(name) {
			var protocols http.Protocols
			protocols.SetHTTP1(name == "HTTP")
			protocols.SetUnencryptedHTTP2(name == "GRPC")
			server := &http.Server{Addr: ":" + port, Handler: mux, Protocols: &protocols}
			go func() { say(map[string]any{"error": server.ListenAndServe().Error()}) }()
		}
	}
	for _, port := range list("UDP") {
		socket, err := net.ListenPacket("udp", ":"+port)
		if err != nil {
			say(map[string]any{"error": err.Error()})
			continue
		}
		go func() {
			buffer := make([]byte, 1500)
			for {
				size, from, err := socket.ReadFrom(buffer)
				if err != nil {
					return
				}
				socket.WriteTo(append([]byte("echo "), buffer[:size]...), from)
			}
		}()
	}
	say(map[string]any{"started": os.Args[1:], "user": os.Getuid(), "rights": rights(), "files": read(), "written": write(), "asked": ask()})
	if eat, _ := strconv.Atoi(os.Getenv("EAT")); eat > 0 {
		time.Sleep(20 * time.Second)
		eaten := make([]byte, eat<<20)
		for index := 0; index < len(eaten); index += 4096 {
			eaten[index] = 1
		}
	}
	<-stop.Done()
	say(map[string]any{"stopping": true})
	tell("SIGTERM")
	time.Sleep(seconds("LINGER"))
	tell("ended")
}

// What it may do beyond its user: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
func rights() string {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if value, isIt := strings.CutPrefix(line, "CapEff:"); isIt {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func read() map[string]string {
	found := map[string]string{}
	for _, path := range list("READ") {
		content, err := os.ReadFile(path)
		if err != nil {
			content = []byte(err.Error())
		}
		found[path] = string(content)
	}
	return found
}

func write() map[string]string {
	found := map[string]string{}
	for _, path := range list("WRITE") {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			found[path] = err.Error()
		} else {
			found[path] = "ok"
		}
	}
	return found
}

func ask() map[string]string {
	found := map[string]string{}
	for _, address := range list("ASK") {
		// A new Service is there a moment before it leads anywhere.
		for attempt := 0; attempt < 20; attempt++ {
			text, err := answer(address)
			if err == nil {
				found[address] = text
				break
			}
			found[address] = err.Error()
			time.Sleep(time.Second)
		}
	}
	return found
}

func answer(address string) (string, error) {
	if host, isUDP := strings.CutPrefix(address, "udp://"); isUDP {
		socket, err := net.Dial("udp", host)
		if err != nil {
			return "", err
		}
		socket.SetDeadline(time.Now().Add(time.Second))
		socket.Write([]byte("hello"))
		buffer := make([]byte, 1500)
		size, err := socket.Read(buffer)
		return string(buffer[:size]), err
	}
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(address + "/healthz")
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(response.Body)
	return string(content), err
}
