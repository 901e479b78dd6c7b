package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"example.com/delinkcious/pkg/web"
)

// Link is one posted link.
type Link struct {
	ID            int64     `json:"id"`
	Owner         string    `json:"owner"`
	URL           string    `json:"url"`
	Title         string    `json:"title"`
	Tags          []string  `json:"tags"`
	FollowersOnly bool      `json:"followersOnly"`
	CreatedAt     time.Time `json:"createdAt"`
}

// query selects links, newest first.
type query struct {
	owners []string
	// trusting are the owners whose links for followers are shown too.
	trusting []string
	tag      string
	limit    int
}

var (
	errDuplicate = errors.New("the owner has this URL already")
	errNotFound  = errors.New("no such link")
)

type store interface {
	add(context.Context, Link) (Link, error)
	remove(ctx context.Context, owner string, id int64) error
	find(context.Context, query) ([]Link, error)
}

// draft is what a user sends.
type draft struct {
	URL           string   `json:"url"`
	Title         string   `json:"title"`
	Tags          []string `json:"tags"`
	FollowersOnly bool     `json:"followersOnly"`
}

var tagFormat = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]{0,31}$`)

func (d draft) check(owner string) (Link, error) {
	parsed, err := url.Parse(d.URL)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") || len(d.URL) > 2048 {
		return Link{}, web.Fail(http.StatusBadRequest, "url %q is not an http or https address of at most 2048 characters", d.URL)
	}
	link := Link{Owner: owner, URL: d.URL, Title: strings.TrimSpace(d.Title), Tags: []string{}, FollowersOnly: d.FollowersOnly}
	if link.Title == "" {
		link.Title = d.URL
	} else if len(link.Title) > 200 || strings.ContainsFunc(link.Title, unicode.IsControl) {
		return Link{}, web.Fail(http.StatusBadRequest, "title %q is not one line of at most 200 bytes", link.Title)
	}
	for _, tag := range d.Tags {
		tag = strings.ToLower(tag)
		if !tagFormat.MatchString(tag) {
			return Link{}, web.Fail(http.StatusBadRequest, "tag %q is not 1 to 32 letters, digits, '.', '+' or '-'", tag)
		}
		link.Tags = append(link.Tags, tag)
	}
	slices.Sort(link.Tags)
	link.Tags = slices.Compact(link.Tags)
	if len(link.Tags) > 10 {
		return Link{}, web.Fail(http.StatusBadRequest, "%d tags are given, and 10 are allowed", len(link.Tags))
	}
	return link, nil
}
