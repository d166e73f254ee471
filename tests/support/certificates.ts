// Certificates for servers of tests, made by openssl: an authority of their own, which nothing else trusts.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export class Authority {
	readonly #dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-ca-'));
	/** The file that holds its certificate. */
	readonly ca = path.join(this.#dir, 'ca.pem');

	constructor() {
		this.#openssl(
			...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
			...['-subj', '/CN=uHub tests', '-keyout', 'ca.key', '-out', 'ca.pem'],
		);
	}

	get pem(): Buffer {
		return readFileSync(this.ca);
	}

	/** For a server of these names (`IP:127.0.0.1`, `DNS:vault.test`). */
	issue(...names: string[]): { key: Buffer; cert: Buffer } {
		this.#openssl(
			...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
			...['-subj', '/CN=a server', '-keyout', 'server.key', '-out', 'server.csr'],
		);
		writeFileSync(path.join(this.#dir, 'names'), `subjectAltName=${names.join(',')}\n`);
		this.#openssl(
			...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
			...['-days', '2', '-extfile', 'names', '-out', 'server.pem'],
		);
		const read = (name: string) => readFileSync(path.join(this.#dir, name));
		return { key: read('server.key'), cert: read('server.pem') };
	}

	remove(): void {
		rmSync(this.#dir, { recursive: true, force: true });
	}

	#openssl(...args: string[]): void {
		execFileSync('openssl', args, { cwd: this.#dir, stdio: 'pipe' });
	}
}
