// Package astgen is left out: Jsonnet's standard library as a literal of 8 MB, the largest file of all to compile. What the
// sandbox's Argo CD renders is YAML.
package astgen

import "github.com/google/go-jsonnet/ast"

var StdAst = &ast.DesugaredObject{}
