import type { ProjectName } from './jobs.ts';

// The demo's scripts: plain sh, that any Linux host runs within seconds and without changing anything on it.

const colours = `
ok() { printf '\\033[32m✔\\033[0m %s\\n' "$1"; }
warn() { printf '\\033[33m▲\\033[0m %s\\n' "$1"; }
bad() { printf '\\033[31m✘ %s\\033[0m\\n' "$1" >&2; }
step() { printf '\\n\\033[1;36m▸ %s\\033[0m\\n' "$1"; }
`;

const sh = (body: string): string => `#!/bin/sh\nset -eu\n${colours}\n${body.trim()}\n`;

export const scripts = {
	'hello.sh': {
		project: 'App',
		description: 'Says hello from the host it runs on.',
		content: sh(`
printf 'Hello from \\033[1m%s\\033[0m, run %s of %s\\n' "$(uname -n)" "$UHUB_RUN_ID" "$UHUB_PROJECT"
uname -srm
date -u '+%Y-%m-%d %H:%M:%S UTC'
`),
	},
	'release.sh': {
		project: 'App',
		description: 'A rolling release over three instances, with a progress bar and a check after each.',
		content: sh(`
version=\${UHUB_PARAM_VERSION:-v2.4.0}
where=\${UHUB_ENVIRONMENT:-staging}
bar() { # label percent
	n=$(( $2 / 4 )); full=$(printf '%*s' "$n" '' | tr ' ' '#'); rest=$(printf '%*s' $(( 25 - n )) '' | tr ' ' '.')
	printf '\\r  %-10s [\\033[32m%s\\033[90m%s\\033[0m] %3d%%' "$1" "$full" "$rest" "$2"
}
printf '\\033[1mRelease %s to %s\\033[0m\\n' "$version" "$where"
step 'Checking the artefact'
sleep 0.3
ok "app-$version.tar.gz, sha256 $(printf '%s' "$version" | sha256sum | cut -c1-16)…"
for instance in web-1 web-2 web-3; do
	step "Rolling $instance"
	for percent in 0 12 28 44 60 72 88 100; do bar "$instance" "$percent"; sleep 0.12; done
	printf '\\n'
	ok "$instance answers 200 in $(( 20 + $(date +%S | sed 's/^0//') % 30 )) ms"
done
step 'Migrating the database'
for file in 0041_orders_index 0042_invoice_total 0043_drop_legacy_flag; do sleep 0.15; ok "$file"; done
step 'Done'
ok "$version is live in $where"
`),
	},
	'smoke.sh': {
		project: 'App',
		description:
			'Walks through the shop as a customer would. With the parameter PAYMENT=503 the payment provider is away.',
		content: sh(`
failed=0
try() { # name expected got
	if [ "$2" = "$3" ]; then ok "$1"; else bad "$1: expected $2, got $3"; failed=$(( failed + 1 )); fi
	sleep 0.15
}
step 'Smoke test of the shop'
try 'GET  /health' 200 200
try 'GET  /catalogue' 200 200
try 'POST /cart' 201 201
try 'POST /payment' 200 \${UHUB_PARAM_PAYMENT:-200}
try 'GET  /orders/latest' 200 200
step 'Result'
if [ "$failed" -gt 0 ]; then bad "$failed of 5 checks failed"; exit 1; fi
ok '5 of 5 checks passed'
`),
	},
	'dependency-audit.sh': {
		project: 'App',
		description: 'What is installed on this host, and what is outdated as far as the package manager knows offline.',
		content: sh(`
step 'Installed packages'
if command -v dpkg-query >/dev/null 2>&1; then
	total=$(dpkg-query -f '.\\n' -W | wc -l)
	ok "$total Debian packages"
	step 'The ten largest'
	dpkg-query -W -f '\${Installed-Size}\\t\${Package}\\t\${Version}\\n' | sort -rn | head -n 10 |
		awk -F '\\t' '{ printf "  \\033[90m%8.1f MiB\\033[0m  %-32s %s\\n", $1 / 1024, $2, $3 }'
else
	warn 'no dpkg here: counting programs instead'
	ok "$(ls /usr/bin | wc -l) programs in /usr/bin"
fi
step 'Set-uid programs'
find /usr/bin /usr/sbin -xdev -perm -4000 -type f 2>/dev/null | sort | sed 's/^/  /'
ok 'audit finished'
`),
	},
	'patch.sh': {
		project: 'Infra',
		description: 'A security patch window, rehearsed: what would be upgraded, host by host. Nothing is installed.',
		content: sh(`
printf '\\033[1mPatch sécurité\\033[0m (répétition, rien n’est installé)\\n'
step 'Noyau'
ok "$(uname -sr)"
[ -r /etc/os-release ] && . /etc/os-release && ok "\${PRETTY_NAME:-Linux}"
for host in db-1 db-2 cache-1 edge-1; do
	step "$host"
	sleep 0.25; ok 'vidé du trafic'
	for package in openssl libc6 curl; do sleep 0.1; printf '  \\033[90m%-10s\\033[0m à jour\\n' "$package"; done
	ok 'de retour dans le pool'
done
step 'Fin'
ok '4 hôtes, 0 redémarrage nécessaire'
`),
	},
	'disk-check.sh': {
		project: 'Infra',
		description: 'How full the file systems of this host are; fails above the limit (parameter LIMIT, 95 %).',
		content: sh(`
limit=\${UHUB_PARAM_LIMIT:-95}
over=0
step "File systems, limit $limit %"
df -P -k | awk 'NR > 1 && $1 ~ /^\\// && $1 !~ /loop/ || $6 == "/" { print $6, $2, $3, $5 }' | sort -u > "$HOME/df"
while read -r mount total used percent; do
	p=\${percent%\\%}
	line=$(printf '%-28s %7d MiB of %8d MiB  %3d %%' "$mount" $(( used / 1024 )) $(( total / 1024 )) "$p")
	if [ "$p" -ge "$limit" ]; then bad "$line"; over=$(( over + 1 )); elif [ "$p" -ge 80 ]; then warn "$line"; else ok "$line"; fi
done < "$HOME/df"
step 'Result'
if [ "$over" -gt 0 ]; then bad "$over above the limit"; exit 2; fi
ok 'all below the limit'
`),
	},
	'backup.sh': {
		project: 'Infra',
		description: 'Packs this run’s own directory, verifies the archive and removes it: a backup in small.',
		content: sh(`
step 'Collecting'
mkdir -p "$HOME/data" && cd "$HOME"
for table in customers orders invoices products audit; do
	i=0; while [ $i -lt 400 ]; do printf '%s,%d,%d\\n' "$table" "$i" $(( i * 7919 % 1000 )); i=$(( i + 1 )); done > "data/$table.csv"
	ok "$table: $(wc -l < "data/$table.csv") rows"
done
step 'Packing'
tar -czf backup.tar.gz data
ok "$(wc -c < backup.tar.gz) bytes, sha256 $(sha256sum backup.tar.gz | cut -c1-16)…"
step 'Verifying'
tar -tzf backup.tar.gz | sed 's/^/  /'
rm -rf data backup.tar.gz
ok 'restorable, and cleaned up'
`),
	},
	'certificates.sh': {
		project: 'Infra',
		description: 'How long the certificate authorities this host trusts are still good for.',
		content: sh(`
step 'Trusted authorities'
bundle=/etc/ssl/certs/ca-certificates.crt
if [ ! -r "$bundle" ]; then warn "no $bundle on this host: nothing to check"; exit 0; fi
ok "$(grep -c BEGIN "$bundle") certificates in $bundle"
if command -v openssl >/dev/null 2>&1; then
	step 'The first one'
	openssl x509 -in "$bundle" -noout -subject -enddate | sed 's/^/  /'
	openssl x509 -in "$bundle" -noout -checkend 2592000 >/dev/null && ok 'good for another 30 days'
fi
ok 'rotation not needed'
`),
	},
	'registry-gc.sh': {
		project: 'Registry',
		description: 'Garbage collection of a registry, played through on files of its own.',
		content: sh(`
cd "$HOME" && mkdir -p blobs
step 'Marking'
i=0; while [ $i -lt 60 ]; do printf 'layer %d' "$i" > "blobs/$i"; i=$(( i + 1 )); done
ok '60 layers, 41 in use'
step 'Sweeping'
i=41; while [ $i -lt 60 ]; do
	rm "blobs/$i"; printf '\\r  removed %2d of 19' $(( i - 40 )); sleep 0.05; i=$(( i + 1 ))
done
printf '\\n'
ok "$(ls blobs | wc -l) layers left"
rm -rf blobs
`),
	},
	'image-scan.sh': {
		project: 'Registry',
		description: 'Lists what an image scanner would find, by severity.',
		content: sh(`
image=\${UHUB_PARAM_IMAGE:-registry.local/app:v2.4.0}
printf 'Scanning \\033[1m%s\\033[0m\\n' "$image"
step 'Layers'
for layer in base runtime libraries application; do sleep 0.2; ok "$layer"; done
step 'Findings'
printf '  \\033[41;97m CRITICAL \\033[0m  0\\n  \\033[31mHIGH\\033[0m        1   CVE-2024-0001 in libexample, fixed in 1.4.2\\n'
printf '  \\033[33mMEDIUM\\033[0m      4\\n  \\033[90mLOW        17\\033[0m\\n'
warn 'one finding of severity high: due within 14 days'
`),
	},
	'health-report.sh': {
		project: 'Monitoring',
		description: 'A report on the health of the host, read from /proc.',
		content: sh(`
printf '\\033[1mSanté projet – %s\\033[0m\\n' "$(date -u '+%d/%m/%Y %H:%M UTC')"
step 'Charge'
read -r one five fifteen _ < /proc/loadavg
cores=$(grep -c ^processor /proc/cpuinfo)
ok "$cores cœurs, charge $one / $five / $fifteen"
step 'Mémoire'
awk '/^MemTotal|^MemAvailable|^SwapTotal/ { printf "  %-14s %8.1f MiB\\n", $1, $2 / 1024 }' /proc/meminfo
step 'Disponibilité'
awk '{ printf "  en route depuis %d j %d h\\n", $1 / 86400, $1 % 86400 / 3600 }' /proc/uptime
step 'Les plus gros processus'
for dir in /proc/[0-9]*; do
	[ -r "$dir/status" ] && awk '/^Name/ { n = $2 } /^VmRSS/ { print $2, n }' "$dir/status" 2>/dev/null || true
done | sort -rn | head -n 5 | awk '{ printf "  \\033[90m%8.1f MiB\\033[0m  %s\\n", $1 / 1024, $2 }'
ok 'rapport terminé'
`),
	},
	'alert-rules.sh': {
		project: 'Monitoring',
		description: 'Checks a set of alert rules for what makes nights short.',
		content: sh(`
cd "$HOME"
cat > rules.txt <<'RULES'
DiskAlmostFull 15m page ops
CertificateExpires 24h ticket ops
ErrorRateHigh 5m page dev
QueueStuck 10m page dev
BackupMissing 26h ticket ops
RULES
step 'Rules'
while read -r name after how team; do
	case $how in page) colour='31' ;; *) colour='33' ;; esac
	printf '  \\033[%sm%-7s\\033[0m %-20s after %-4s to %s\\n' "$colour" "$how" "$name" "$after" "$team"; sleep 0.08
done < rules.txt
ok "$(wc -l < rules.txt) rules, each with a team and a delay"
`),
	},
} as const satisfies Record<string, { project: ProjectName; description: string; content: string }>;

export type ScriptName = keyof typeof scripts;
