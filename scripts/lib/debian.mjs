// The programs the tests drive, from Debian's packages, where this machine lets us install them.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { CHROMIUMS } from './chromium.mjs';

/** @type {{name: string, programs: string[]}[]} */
const PACKAGES = [
	{ name: 'chromium-headless-shell', programs: CHROMIUMS },
	{ name: 'openssh-server', programs: ['/usr/sbin/sshd'] },
	{ name: 'docker.io', programs: ['/usr/bin/dockerd', '/usr/sbin/dockerd', '/usr/local/bin/dockerd'] },
	{ name: 'busybox-static', programs: ['/bin/busybox'] },
	{ name: 'ansible-core', programs: ['/usr/bin/ansible-playbook', '/usr/local/bin/ansible-playbook'] },
	{ name: 'git', programs: ['/usr/bin/git', '/usr/local/bin/git'] },
];

export const missingPackages = (exists = fs.existsSync) =>
	PACKAGES.filter(({ programs }) => !programs.some((program) => exists(program))).map(({ name }) => name);

/** Installs what is missing, and returns what is missing still. */
export function installPackages() {
	const missing = missingPackages();
	if (missing.length === 0 || process.getuid?.() !== 0 || !fs.existsSync('/usr/bin/apt-get')) return missing;
	console.log(`Installing ${missing.join(', ')} …`);
	const apt = (/** @type {string[]} */ ...args) =>
		spawnSync('apt-get', args, {
			stdio: ['ignore', 'ignore', 'inherit'],
			env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
		});
	apt('update', '-qq');
	// One at a time: a package this release does not have must not keep the others away.
	for (const name of missing) apt('install', '-y', '-qq', '--no-install-recommends', name);
	return missingPackages();
}
