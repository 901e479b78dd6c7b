// Package gcsblob is left out: the sandbox keeps no state in Google's cloud, whose client would have to be compiled.
package gcsblob

const Scheme = "gs"
