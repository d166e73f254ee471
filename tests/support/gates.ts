// A script that goes on only when the test says so, so that nothing in a test waits on time.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export class Gates {
	readonly dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-gates-'));

	/** A line of shell that waits for `open(name)`. It ends by itself when the test has gone. */
	wait(name: string): string {
		return `while [ ! -e ${this.dir}/${name} ]; do [ -d ${this.dir} ] || exit 99; sleep 0.05; done`;
	}

	open(name: string): void {
		if (existsSync(this.dir)) writeFileSync(path.join(this.dir, name), '');
	}

	remove(): void {
		rmSync(this.dir, { recursive: true, force: true });
	}
}
