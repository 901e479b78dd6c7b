// Package env is left out: the environments of Pulumi Cloud, which the sandbox does not use, bring a client of their own.
package env

import (
	"errors"

	"github.com/spf13/cobra"
)

func NewEnvCmd() *cobra.Command {
	return &cobra.Command{
		Use:    "env",
		Short:  "Left out of the sandbox's Pulumi",
		Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("env is left out of the sandbox's Pulumi; install Pulumi's own")
		},
	}
}
