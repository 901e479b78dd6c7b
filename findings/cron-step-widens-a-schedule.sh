#!/usr/bin/env bash
# robfig/cron 3.0.1 (Kubernetes' CronJobs and Argo CD's sync windows): `*/2` as day of the month beside a day of the week means more
# days than `*`, not fewer.
#
# One would guess: `0 0 */2 * 1` are Mondays on odd days of the month: `*/2` is a part of `*`, and `0 0 * * 1` are Mondays. Debian's
#   crontab(5) says so: the two fields are joined by "or" only where neither begins with `*`.
# What happens: all odd days and all Mondays. `*/1` is still read as `*`; from `*/2` on the field counts as a list of days.
# Who is hurt: whoever thins out a weekly job or a maintenance window by a step: it runs or opens on 17 to 18 days of a month
#   instead of 2 or 3, and on days nobody meant.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
go mod init try 2>/dev/null
GOFLAGS=-modcacherw go get github.com/robfig/cron/v3@v3.0.1 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

func main() {
	for _, expression := range []string{"0 0 * * 1", "0 0 */1 * 1", "0 0 */2 * 1"} {
		schedule, err := cron.ParseStandard(expression)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s:", expression)
		end := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
		for at := schedule.Next(time.Date(2025, 12, 31, 12, 0, 0, 0, time.UTC)); at.Before(end); at = schedule.Next(at) {
			fmt.Printf(" %d", at.Day())
		}
		fmt.Println()
	}
}
GO
cat >expected <<'TEXT'
0 0 * * 1: 5 12 19 26
0 0 */1 * 1: 5 12 19 26
0 0 */2 * 1: 1 3 5 7 9 11 12 13 15 17 19 21 23 25 26 27 29 31
TEXT
go run . | tee seen
diff expected seen
echo "As described: robfig/cron 3.0.1, the days of January 2026."
