import type { ScriptName } from './scripts.ts';
import type { Transcript } from './transcript.ts';

/** What sets one run of the past apart from the next. */
export interface Past {
	/** 0 up to 1, the same at every seeding. */
	random: () => number;
	failed: boolean;
	version: string;
	environment: string;
}

type Write = (t: Transcript, past: Past) => void;

const int = (past: Past, from: number, to: number) => Math.floor(from + past.random() * (to - from + 1));
const hex = (past: Past, digits: number) =>
	Array.from({ length: digits }, () => int(past, 0, 15).toString(16)).join('');

/** What each script of the demo wrote in the past. */
export const transcripts: Record<ScriptName, Write> = {
	'hello.sh': (t, past) =>
		t.line(`Hello from \u001b[1mparis-1\u001b[0m, run ${String(int(past, 2, 40))} of App`).line('Linux 6.12.9 x86_64'),
	'release.sh': (t, past) => {
		t.line(`\u001b[1mRelease ${past.version} to ${past.environment}\u001b[0m`).step('Checking the artefact');
		t.ok(`app-${past.version}.tar.gz, sha256 ${hex(past, 16)}…`);
		for (const instance of ['web-1', 'web-2', 'web-3']) {
			const breaks = past.failed && instance === 'web-2';
			t.step(`Rolling ${instance}`).bar(instance, breaks ? 62.5 : 100);
			if (breaks) {
				t.bad(`${instance} does not answer after 30 s`).step('Rolling back').bar('web-1');
				t.bad(`${past.version} was taken back from ${past.environment}`);
				return;
			}
			t.ok(`${instance} answers 200 in ${String(int(past, 18, 49))} ms`);
		}
		t.step('Migrating the database');
		for (const file of ['0041_orders_index', '0042_invoice_total', '0043_drop_legacy_flag']) t.wait(600).ok(file);
		t.step('Done').ok(`${past.version} is live in ${past.environment}`);
	},
	'smoke.sh': (t, past) => {
		t.step('Smoke test of the shop').ok('GET  /health').ok('GET  /catalogue').ok('POST /cart');
		if (past.failed) t.bad('POST /payment: expected 200, got 503');
		else t.ok('POST /payment');
		t.ok('GET  /orders/latest').step('Result');
		if (past.failed) t.bad('1 of 5 checks failed');
		else t.ok('5 of 5 checks passed');
	},
	'dependency-audit.sh': (t, past) => {
		t.step('Installed packages')
			.ok(`${String(int(past, 310, 360))} Debian packages`)
			.step('The ten largest');
		for (const [size, name, version] of [
			[184.1, 'nodejs', '24.9.0-1'],
			[98.4, 'openjdk-21-jre-headless', '21.0.8'],
			[61.7, 'postgresql-client-17', '17.6-1'],
			[33.2, 'git', '1:2.47.3-0'],
			[29.8, 'python3.13-minimal', '3.13.5-2'],
		] as const)
			t.wait(8).line(`  \u001b[90m${size.toFixed(1).padStart(8)} MiB\u001b[0m  ${name.padEnd(32)} ${version}`);
		t.step('Set-uid programs');
		for (const name of ['chfn', 'chsh', 'mount', 'newgrp', 'passwd', 'su', 'umount']) t.line(`  /usr/bin/${name}`);
		t.ok('audit finished');
	},
	'patch.sh': (t, past) => {
		t.line('\u001b[1mPatch sécurité\u001b[0m (répétition, rien n’est installé)');
		t.step('Noyau').ok('Linux 6.12.9').ok('Debian GNU/Linux 13 (trixie)');
		for (const host of ['db-1', 'db-2', 'cache-1', 'edge-1']) {
			t.step(host).wait(1500).ok('vidé du trafic');
			for (const name of ['openssl', 'libc6', 'curl'])
				t.wait(900).line(`  \u001b[90m${name.padEnd(10)}\u001b[0m à jour`);
			if (past.failed && host === 'cache-1') return void t.bad(`${host} ne revient pas dans le pool`);
			t.ok('de retour dans le pool');
		}
		t.step('Fin').ok('4 hôtes, 0 redémarrage nécessaire');
	},
	'disk-check.sh': (t, past) => {
		const full = past.failed ? 97 : int(past, 48, 74);
		t.step('File systems, limit 95 %');
		const line = `/                             ${String(full * 1000)} MiB of   100000 MiB   ${String(full)} %`;
		if (past.failed) t.bad(line);
		else t.ok(line);
		t.ok('/var/lib/postgresql           184320 MiB of   409600 MiB   45 %').step('Result');
		if (past.failed) t.bad('1 above the limit');
		else t.ok('all below the limit');
	},
	'backup.sh': (t, past) => {
		t.step('Collecting');
		for (const table of ['customers', 'orders', 'invoices', 'products', 'audit'])
			t.wait(400).ok(`${table}: ${String(int(past, 800, 90_000))} rows`);
		t.step('Packing')
			.wait(2500)
			.ok(`${String(int(past, 7_000_000, 9_000_000))} bytes, sha256 ${hex(past, 16)}…`);
		t.step('Verifying');
		for (const table of ['customers', 'orders', 'invoices', 'products', 'audit']) t.line(`  data/${table}.csv`);
		t.ok('restorable, and cleaned up');
	},
	'certificates.sh': (t, past) => {
		t.step('Trusted authorities').ok('144 certificates in /etc/ssl/certs/ca-certificates.crt').step('The first one');
		t.line('  subject=CN = ACCVRAIZ1, OU = PKIACCV, O = ACCV, C = ES').line('  notAfter=Dec 31 09:37:37 2030 GMT');
		t.ok(`good for another ${String(int(past, 31, 60))} days`).ok('rotation not needed');
	},
	'registry-gc.sh': (t, past) => {
		const unused = int(past, 11, 27);
		t.step('Marking')
			.ok(`60 layers, ${String(60 - unused)} in use`)
			.step('Sweeping');
		t.bar('removing').ok(`${String(60 - unused)} layers left`);
	},
	'image-scan.sh': (t, past) => {
		t.line(`Scanning \u001b[1mregistry.local/app:${past.version}\u001b[0m`).step('Layers');
		for (const layer of ['base', 'runtime', 'libraries', 'application']) t.wait(900).ok(layer);
		t.step('Findings').line('  \u001b[41;97m CRITICAL \u001b[0m  0');
		t.line('  \u001b[31mHIGH\u001b[0m        1   CVE-2024-0001 in libexample, fixed in 1.4.2');
		t.line(`  \u001b[33mMEDIUM\u001b[0m      ${String(int(past, 2, 6))}`);
		t.line(`  \u001b[90mLOW        ${String(int(past, 11, 19))}\u001b[0m`);
		t.warn('one finding of severity high: due within 14 days');
	},
	'health-report.sh': (t, past) => {
		const load = (past.random() * 1.6).toFixed(2);
		t.line('\u001b[1mSanté projet\u001b[0m').step('Charge').ok(`8 cœurs, charge ${load} / 0.71 / 0.66`);
		t.step('Mémoire').line('  MemTotal:       32017.4 MiB');
		t.line(`  MemAvailable:   ${String(int(past, 14_000, 24_000))}.0 MiB`).line('  SwapTotal:          0.0 MiB');
		t.step('Disponibilité')
			.line(`  en route depuis ${String(int(past, 3, 40))} j 7 h`)
			.step('Les plus gros processus');
		for (const [size, name] of [
			[2210.4, 'prometheus'],
			[811.9, 'postgres'],
			[402.2, 'grafana'],
		] as const)
			t.line(`  \u001b[90m${size.toFixed(1).padStart(8)} MiB\u001b[0m  ${name}`);
		t.ok('rapport terminé');
	},
	'alert-rules.sh': (t) => {
		t.step('Rules');
		for (const [how, name, after, team] of [
			['page', 'DiskAlmostFull', '15m', 'ops'],
			['ticket', 'CertificateExpires', '24h', 'ops'],
			['page', 'ErrorRateHigh', '5m', 'dev'],
			['page', 'QueueStuck', '10m', 'dev'],
			['ticket', 'BackupMissing', '26h', 'ops'],
		] as const)
			t.wait(80).line(
				`  \u001b[${how === 'page' ? '31' : '33'}m${how.padEnd(7)}\u001b[0m ${name.padEnd(20)} after ${after.padEnd(4)} to ${team}`,
			);
		t.ok('5 rules, each with a team and a delay');
	},
};
