#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { join } from "node:path";

// This file alone is JavaScript. What is loaded before the cache is switched on is compiled anew at every call, and to strip
// types Node loads a compiler of its own first: together more than half of the time that a call took to start.
// CI caches node_modules; `portable` makes the entries valid for a checkout in another directory.
enableCompileCache({ directory: join(import.meta.dirname, "../node_modules/.cache/delivery"), portable: true });
await import("./main.ts");
