package main

import (
	_ "github.com/alicebob/miniredis/v2"
)

func main() {}
