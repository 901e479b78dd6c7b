// Package azureblob is left out: the sandbox keeps no state in Azure, whose client would have to be compiled.
package azureblob

import (
	"context"
	"errors"
	"net/url"

	"gocloud.dev/blob"
)

const Scheme = "azblob"

var errLeftOut = errors.New("azblob:// is left out of the sandbox's Pulumi; install Pulumi's own")

type ServiceURLOptions struct{}

func NewDefaultServiceURLOptions() *ServiceURLOptions { return &ServiceURLOptions{} }

func NewDefaultClient() error { return errLeftOut }

type URLOpener struct {
	MakeClient        func() error
	ServiceURLOptions ServiceURLOptions
}

func (*URLOpener) OpenBucketURL(context.Context, *url.URL) (*blob.Bucket, error) {
	return nil, errLeftOut
}
