import { z } from "zod";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { JsonMap } from "../../kubernetes/json.ts";
import type { Monorepo } from "./monorepo.ts";

/**
 * A program that shows from within what a pod is like, in an image without a shell. Its log has one JSON object a line.
 * - `serve` listens at the ports of `HTTP`, `GRPC` (health alone, ready once `READY_AFTER` seconds are over) and `UDP`, and says
 *   that it started, with what it found: its arguments, its user and rights, the files of `READ` and whether it can write to `WRITE`.
 * - `check FILE` ends with 0 if the file is there; `touch FILE` makes it; `say WORD` tells the pod at `RECORDER` a word.
 * - On SIGTERM it says so, tells `RECORDER`, and ends after `LINGER` seconds.
 * - After 20 seconds, it takes so many MiB of memory as `EAT` says.
 * - At `/say?WORD` it logs what others tell it; the addresses of `ASK` it asks itself.
 * `/as-root` is the same with a set-user-ID bit.
 */
export const podProgram = `package main

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
	case "touch":
		if err := os.WriteFile(os.Args[2], nil, 0o600); err != nil {
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
	for _, line := range strings.Split(string(status), "\n") {
		if value, isIt := strings.CutPrefix(line, "CapEff:\t"); isIt {
			return value
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
`;

/** How a service says that the program is its image. */
export const podImage = { dockerfile: "program/Dockerfile", context: "program" };

/** Puts the program into a monorepo. */
export function writePodProgram(monorepo: Monorepo): void {
  const directory = podImage.context;
  monorepo.write(`${directory}/go.mod`, "module example.com/pod\n\ngo 1.26\n");
  monorepo.write(`${directory}/main.go`, podProgram);
  monorepo.write(
    podImage.dockerfile,
    `FROM golang:1.26 AS builder
WORKDIR /src
COPY go.mod main.go ./
RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/program .
FROM scratch
COPY --from=builder /out/program /program
COPY --from=builder --chmod=4755 /out/program /as-root
COPY --from=builder /src/go.mod /etc/app/neighbour
ENTRYPOINT ["/program"]
CMD ["serve"]
`,
  );
}

/** What the newest pod of a service has logged; an entry has its time in milliseconds since 1970 as `at`. */
export async function logOf(kubernetes: KubernetesClient, namespace: string, service: string): Promise<JsonMap[]> {
  const name = (await podsOf(kubernetes, namespace, service)).at(-1)?.name;
  const entries: JsonMap[] = [];
  // One object a line, as watches have it.
  for await (const entry of kubernetes.watch(`/api/v1/namespaces/${namespace}/pods/${name}/log`, {}))
    entries.push(entry);
  return entries;
}

/** A pod with one container. */
export interface PodState {
  readonly name: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** Seconds from the start of its container. */
  readonly readyAfter: number | undefined;
}

/** The pods of a service, the oldest first. */
export async function podsOf(kubernetes: KubernetesClient, namespace: string, service: string): Promise<PodState[]> {
  const query = { labelSelector: `app.kubernetes.io/name=${service}` };
  const { items } = podsSchema.parse(
    await kubernetes.request("GET", `/api/v1/namespaces/${namespace}/pods`, { query }),
  );
  return items
    .toSorted((a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp))
    .map(
      ({
        metadata,
        status: {
          conditions,
          containerStatuses: [container],
        },
      }) => {
        const ready = conditions.find(({ type }) => type === "Ready");
        const start = container?.state.running?.startedAt;
        return {
          name: metadata.name,
          ready: ready?.status === "True",
          restarts: container?.restartCount ?? 0,
          readyAfter:
            ready?.status === "True" && start !== undefined
              ? (Date.parse(ready.lastTransitionTime) - Date.parse(start)) / 1000
              : undefined,
        };
      },
    );
}

const podsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), creationTimestamp: z.string() }),
      status: z.object({
        conditions: z
          .array(z.object({ type: z.string(), status: z.string(), lastTransitionTime: z.string() }))
          .default([]),
        containerStatuses: z
          .array(
            z.object({
              restartCount: z.number(),
              state: z.object({ running: z.object({ startedAt: z.string() }).optional() }),
            }),
          )
          .default([]),
      }),
    }),
  ),
});
