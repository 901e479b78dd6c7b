// The parts of Argo CD that the sandbox runs, in one binary: the name it is started by chooses. Argo CD's own main has
// the API server and the command-line client besides, which nothing here needs and which make it a quarter bigger.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	applicationset "github.com/argoproj/argo-cd/v3/cmd/argocd-applicationset-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/util/log"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

// Commands are made only when chosen: each of them registers flags in the process.
var components = map[string]func() *cobra.Command{
	common.CommandApplicationController:    controller.NewCommand,
	common.CommandApplicationSetController: applicationset.NewCommand,
	common.CommandRepoServer:               reposerver.NewCommand,
}

func main() {
	klog.SetLogger(log.NewLogrusLogger(log.NewWithCurrentConfig()))
	name := filepath.Base(os.Args[0])
	newCommand := components[name]
	if newCommand == nil {
		fmt.Fprintf(os.Stderr, "argocd: no component is named %q; start this binary as argocd-application-controller, argocd-repo-server, …\n", name)
		os.Exit(2)
	}
	if err := newCommand().Execute(); err != nil {
		os.Exit(1)
	}
}
