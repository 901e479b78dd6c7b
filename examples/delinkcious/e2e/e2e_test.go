//go:build e2e

// Package e2e runs all five services as processes on loopback and uses them through the gateway.
// The stores' variables (LINK_DB_ADDRESS, …) of the test's own environment reach the services.
package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

type application struct {
	binaries  string
	env       []string
	addresses map[string]string
}

func build(t *testing.T) application {
	t.Helper()
	app := application{binaries: t.TempDir(), env: append(os.Environ(), "HOST=127.0.0.1", "TOKEN_SECRET="+rand.Text()), addresses: map[string]string{}}
	if output, err := exec.Command("go", "build", "-o", app.binaries+"/", "../svc/...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, name := range []string{"api_gateway", "link", "user", "social_graph", "news"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		app.addresses[name] = listener.Addr().String()
		app.env = append(app.env, fmt.Sprintf("%s_URL=http://%s", strings.ToUpper(name), listener.Addr()))
	}
	return app
}

// start also checks, at the end of the test, that SIGTERM ends the service well.
func (app application) start(t *testing.T, name string) {
	t.Helper()
	_, port, _ := net.SplitHostPort(app.addresses[name])
	var log bytes.Buffer
	command := exec.Command(filepath.Join(app.binaries, name+"_service"))
	command.Env = append(app.env, "PORT="+port)
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, log.String())
		}
	})
	app.await(t, name, "/readyz", func(status int, _ string) bool { return status == http.StatusOK })
}

func (app application) await(t *testing.T, name, path string, good func(status int, body string) bool) {
	t.Helper()
	var status int
	var body string
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if status, body = app.send(name, "GET", path, "", ""); good(status, body) {
			return
		}
	}
	t.Fatalf("%s%s: at last %d %s", name, path, status, body)
}

func (app application) send(name, method, path, token, body string) (int, string) {
	request, err := http.NewRequest(method, "http://"+app.addresses[name]+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(answer)
}

func TestApplication(t *testing.T) {
	app := build(t)
	expect := func(token, method, path, body string, status int, want string) string {
		t.Helper()
		gotStatus, got := app.send("api_gateway", method, path, token, body)
		if gotStatus != status || !strings.Contains(got, want) {
			t.Errorf("%s %s %s\n got %d %s\nwant %d %s", method, path, body, gotStatus, got, status, want)
		}
		return got
	}

	// The gateway comes first, and the others in the reverse order of who calls whom.
	app.start(t, "api_gateway")
	expect("", "GET", "/", "", 200, `{"service":"user","version":"","status":"unreachable"}`)
	expect("", "POST", "/v1/users", "{}", 503, `the user service is not reachable`)
	for _, name := range []string{"news", "link", "social_graph", "user"} {
		app.start(t, name)
	}
	app.await(t, "api_gateway", "/", func(_ int, body string) bool { return strings.Count(body, `"status":"ready"`) == 5 })

	suffix := "-" + strings.ToLower(rand.Text())[:10]
	alice, bob := "alice"+suffix, "bob"+suffix
	tokens := map[string]string{}
	for _, name := range []string{alice, bob} {
		expect("", "POST", "/v1/users", `{"name":"`+name+`","email":"`+name+`@example.com","password":"correct horse"}`, 201, name)
		var login struct{ Token string }
		answer := expect("", "POST", "/v1/login", `{"name":"`+name+`","password":"correct horse"}`, 200, `"token"`)
		if err := json.Unmarshal([]byte(answer), &login); err != nil {
			t.Fatal(err)
		}
		tokens[name] = login.Token
	}
	expect("", "POST", "/v1/users", `{"name":"`+bob+`","email":"b@example.com","password":"correct horse"}`, 409, "is taken")
	expect("", "POST", "/v1/login", `{"name":"`+bob+`","password":"wrong horse"}`, 401, "wrong")

	expect(tokens[bob], "POST", "/v1/links", `{"url":"https://go.dev","title":"Go","tags":["go"]}`, 201, `"owner":"`+bob+`"`)
	expect(tokens[bob], "POST", "/v1/links", `{"url":"https://kubernetes.io","followersOnly":true}`, 201, `"followersOnly":true`)
	expect(tokens[alice], "GET", "/v1/users/"+bob+"/links", "", 200, "go.dev")
	if body := expect(tokens[alice], "GET", "/v1/users/"+bob+"/links", "", 200, ""); strings.Contains(body, "kubernetes.io") {
		t.Errorf("alice does not follow bob, and sees %s", body)
	}
	expect(tokens[alice], "PUT", "/v1/following/nobody", "", 404, "there is no user nobody")
	expect(tokens[alice], "PUT", "/v1/following/"+bob, "", 204, "")
	expect(tokens[alice], "GET", "/v1/following", "", 200, bob)
	expect(tokens[bob], "GET", "/v1/followers", "", 200, alice)
	expect(tokens[alice], "GET", "/v1/news", "", 200, "kubernetes.io")
	expect(tokens[alice], "GET", "/v1/news", "", 200, "go.dev")
	expect(tokens[bob], "GET", "/v1/news", "", 200, `"links":[]`)
	expect(tokens[bob], "GET", "/v1/links?tag=go", "", 200, "go.dev")
	expect(tokens[alice], "DELETE", "/v1/following/"+bob, "", 204, "")
	expect(tokens[alice], "GET", "/v1/following", "", 200, `{"users":[]}`)
}
