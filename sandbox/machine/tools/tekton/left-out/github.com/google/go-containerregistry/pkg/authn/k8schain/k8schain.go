// Package k8schain takes the place of the original, without the helpers that ask Amazon's, Azure's and Google's clouds for
// logins: none of them runs a sandbox.
package k8schain

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"
	kauth "github.com/google/go-containerregistry/pkg/authn/kubernetes"
	"k8s.io/client-go/kubernetes"
)

type Options = kauth.Options

func New(ctx context.Context, client kubernetes.Interface, opt Options) (authn.Keychain, error) {
	secrets, err := kauth.New(ctx, client, opt)
	if err != nil {
		return nil, err
	}
	return authn.NewMultiKeychain(secrets, authn.DefaultKeychain), nil
}
