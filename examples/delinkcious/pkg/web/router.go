package web

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Reply is a successful answer. A nil Body sends none.
type Reply struct {
	Status int
	Body   any
}

// Handler answers a request with a value or an error; the router turns either into JSON.
type Handler func(*http.Request) (Reply, error)

// Router serves patterns as http.ServeMux does, and answers everything in JSON, unknown paths included.
type Router struct {
	mux *http.ServeMux
	log *slog.Logger
}

// NewRouter makes a router without routes.
func NewRouter(log *slog.Logger) *Router {
	return &Router{mux: http.NewServeMux(), log: log}
}

// Handle registers a pattern such as "GET /users/{name}".
func (router *Router) Handle(pattern string, handler Handler) {
	router.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		reply, err := handler(r)
		if err != nil {
			status, message := describe(err)
			logFailure(router.log, r, status, err)
			WriteJSON(w, status, errorBody{message})
			return
		}
		WriteJSON(w, reply.Status, reply.Body)
	})
}

type errorBody struct {
	Error string `json:"error"`
}

type requestIDKey struct{}

var requestIDFormat = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// RequestID is the id that follows one request through all services, "" outside of a request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// ServeHTTP answers and logs one request.
func (router *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	id := r.Header.Get("X-Request-Id")
	if !requestIDFormat.MatchString(id) {
		id = rand.Text()
	}
	r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
	w.Header().Set("X-Request-Id", id)
	recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}

	if !plain(r.URL) {
		WriteJSON(recorder, http.StatusBadRequest, errorBody{"the path or the query has characters that are not allowed"})
	} else if handler, pattern := router.mux.Handler(r); pattern == "" {
		refuse(recorder, r, handler)
	} else {
		router.mux.ServeHTTP(recorder, r)
	}

	level := slog.LevelInfo
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		level = slog.LevelDebug
	}
	router.log.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path,
		"status", recorder.status, "ms", time.Since(start).Milliseconds(), "request", id)
}

// plain keeps out what a path segment or a database cannot hold: "." and "..", control characters, broken UTF-8.
func plain(u *url.URL) bool {
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		text, err := url.PathUnescape(segment)
		if err != nil || text == "." || text == ".." || !printable(text) {
			return false
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return false
	}
	for _, values := range query {
		for _, value := range values {
			if !printable(value) {
				return false
			}
		}
	}
	return true
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// refuse lets the mux decide between 404 and 405, and replaces its plain text by JSON.
func refuse(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	verdict := &statusRecorder{ResponseWriter: discard{w.Header()}, status: http.StatusOK}
	handler.ServeHTTP(verdict, r)
	message := "nothing is served at " + r.Method + " " + r.URL.Path
	WriteJSON(w, verdict.status, errorBody{message})
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// discard keeps the headers an inner handler sets and drops what it writes.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
