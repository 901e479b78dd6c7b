package main

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"regexp"
	"time"

	"example.com/delinkcious/pkg/web"
)

// User is what others see of an account.
type User struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
}

// account is what a store keeps.
type account struct {
	User
	email        string
	passwordHash string
}

var (
	errDuplicate = errors.New("the name is taken")
	errNotFound  = errors.New("no such user")
)

type store interface {
	add(context.Context, account) (User, error)
	get(ctx context.Context, name string) (account, error)
}

type handlers struct {
	users      store
	iterations int
}

func handle(router *web.Router, users store, iterations int) {
	h := handlers{users, iterations}
	router.Handle("POST /users", h.register)
	router.Handle("POST /sessions", h.logIn)
	router.Handle("GET /users/{name}", h.get)
}

var nameFormat = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)

func (h handlers) register(r *http.Request) (web.Reply, error) {
	form, err := web.ReadJSON[struct{ Name, Email, Password string }](r)
	if err != nil {
		return web.Reply{}, err
	}
	if !nameFormat.MatchString(form.Name) {
		return web.Reply{}, web.Fail(http.StatusBadRequest, "name %q is not 2 to 32 small letters, digits or '-', with a letter first", form.Name)
	}
	if address, err := mail.ParseAddress(form.Email); err != nil || address.Address != form.Email || len(form.Email) > 254 {
		return web.Reply{}, web.Fail(http.StatusBadRequest, "email %q is not an address", form.Email)
	}
	if len(form.Password) < 8 || len(form.Password) > 128 {
		return web.Reply{}, web.Fail(http.StatusBadRequest, "password has %d bytes, and needs 8 to 128", len(form.Password))
	}
	hash, err := hashPassword(form.Password, h.iterations)
	if err != nil {
		return web.Reply{}, err
	}
	user, err := h.users.add(r.Context(), account{User: User{Name: form.Name}, email: form.Email, passwordHash: hash})
	if errors.Is(err, errDuplicate) {
		return web.Reply{}, web.Fail(http.StatusConflict, "the name %s is taken", form.Name)
	}
	return web.Reply{Status: http.StatusCreated, Body: user}, err
}

// logIn takes as long for an unknown name as for a wrong password, so that names cannot be told apart by it.
func (h handlers) logIn(r *http.Request) (web.Reply, error) {
	form, err := web.ReadJSON[struct{ Name, Password string }](r)
	if err != nil {
		return web.Reply{}, err
	}
	refused := web.Fail(http.StatusUnauthorized, "the name or the password is wrong")
	if !nameFormat.MatchString(form.Name) || len(form.Password) > 128 {
		return web.Reply{}, refused
	}
	found, err := h.users.get(r.Context(), form.Name)
	if errors.Is(err, errNotFound) {
		if _, err := hashPassword(form.Password, h.iterations); err != nil {
			return web.Reply{}, err
		}
		return web.Reply{}, refused
	}
	if err != nil {
		return web.Reply{}, err
	}
	if !verifyPassword(found.passwordHash, form.Password) {
		return web.Reply{}, refused
	}
	return web.Reply{Status: http.StatusOK, Body: found.User}, nil
}

func (h handlers) get(r *http.Request) (web.Reply, error) {
	found, err := h.users.get(r.Context(), r.PathValue("name"))
	if errors.Is(err, errNotFound) {
		return web.Reply{}, web.Fail(http.StatusNotFound, "there is no user %s", r.PathValue("name"))
	}
	return web.Reply{Status: http.StatusOK, Body: found.User}, err
}
