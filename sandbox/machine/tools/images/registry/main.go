// The distribution registry with only what a registry on one machine needs: files as storage, htpasswd as
// authentication. The cloud storage drivers that are left out would be more than half of its size and build time.
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"
)

// The password comes by standard input: arguments are visible to every user of the machine.
var htpasswd = &cobra.Command{
	Use:   "htpasswd <user>",
	Short: "`htpasswd` reads a password from standard input and prints the user's line of a password file",
	Args:  cobra.ExactArgs(1),
	RunE: func(cmd *cobra.Command, args []string) error {
		input := bufio.NewScanner(os.Stdin)
		if !input.Scan() {
			return fmt.Errorf("no password on standard input")
		}
		// The hash is computed anew at every request: the lowest cost is enough for a random password in a private file.
		hash, err := bcrypt.GenerateFromPassword(input.Bytes(), bcrypt.MinCost)
		if err != nil {
			return err
		}
		_, err = fmt.Printf("%s:%s\n", args[0], hash)
		return err
	},
}

func main() {
	registry.RootCmd.AddCommand(htpasswd)
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
