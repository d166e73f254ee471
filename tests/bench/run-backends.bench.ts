// From the click on "Run now" to the script's first line in a container and on a host, against the bare command that does the same
// without a hub: `docker run`, `ssh`. Real dockerd, real sshd.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Api } from '../support/api.ts';
import { Dockerd, noDockerd } from '../support/dockerd.ts';
import { startHub } from '../support/hub.ts';
import { realAgent } from '../support/real-agent.ts';
import { noSshd, SshTown } from '../support/sshd.ts';
import { firstLine } from './first-line.ts';
import { inTurns, median, ratio, report, round } from './measure.ts';

const ROUNDS = 20;
const SCRIPT = '#!/bin/sh\necho hello\n';
const BAR = 2;

/** Milliseconds from the command to its first line. */
async function bare(command: string, ...argv: string[]): Promise<number> {
	const started = performance.now();
	const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
	await once(child.stdout, 'data');
	const took = performance.now() - started;
	const [code] = child.exitCode === null ? ((await once(child, 'exit')) as [number | null]) : [child.exitCode];
	if (code !== 0) throw new Error(`${command} ended with ${String(code)}`);
	return took;
}

async function clicked(api: Api, job_id: number): Promise<number> {
	const { took, run_id } = await firstLine(api, job_id);
	await api.ended(run_id);
	return took;
}

async function compare(what: string, uhub: () => Promise<number>, alone: () => Promise<number>): Promise<void> {
	const figures = await inTurns(ROUNDS, { uhub, alone });
	const r = ratio(figures.uhub, figures.alone);
	report(
		`9 click to first line, ${what}`,
		`p50 ${round(median(figures.uhub), 0)} ms, ${round(r)}× that (${round(median(figures.alone), 0)} ms)`,
		`≤ ${String(BAR)}×`,
		r <= BAR,
	);
}

const missing = [noDockerd, noSshd].find((why) => why !== null);
if (missing) throw new Error(missing);
const engine = await Dockerd.start();
const town = new SshTown();
const hub = await startHub({ agent: false });
try {
	mkdirSync(path.join(town.dir, 'there'));
	const host = await town.start('127.0.0.1');
	town.know(host.known);
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const inContainer = await admin.jobWith(SCRIPT, {
		execution_backend: 'docker',
		execution_backend_config: { image: 'uhub-test:1' },
	});
	const onHost = await admin.jobWith(SCRIPT, {
		execution_backend: 'ssh',
		execution_backend_config: { user: 'root', key_ref: `file:${town.key}` },
	});
	const { id } = await admin.ok('POST', `/api/projects/${String(onHost.project_id)}/inventories`, {
		source_type: 'uploaded',
		source_location: 'hosts.ini',
		content: `web1 ansible_host=${host.address} ansible_port=${String(host.port)}\n`,
	});
	const job = await admin.get(`/api/jobs/${String(onHost.job_id)}`);
	await admin.ok(
		'PATCH',
		`/api/jobs/${String(onHost.job_id)}`,
		{ targets: { inventory_id: id } },
		{
			'if-match': `"v${String(job.version)}"`,
		},
	);
	const agent = await realAgent(admin, {
		policy: `version: 1
projects: all
backends: [docker, ssh]
tools: [shell]
scripts: { uploaded: true }
secrets: { ${String(onHost.project_id)}: ['file:${town.key}'] }
docker: { socket: ${engine.socket}, images: [uhub-test] }
ssh: { known_hosts: ${town.knownHosts}, hosts: ['127.0.0.*'], users: [root], dir: ${town.dir}/there }
`,
	});
	await compare(
		'in a container, against `docker run`',
		() => clicked(admin, inContainer.job_id),
		() =>
			bare('docker', '-H', `unix://${engine.socket}`, 'run', '--rm', '--network=none', 'uhub-test:1', 'echo', 'hello'),
	);

	const known = ['-o', `UserKnownHostsFile=${town.knownHosts}`, '-o', 'BatchMode=yes'];
	await compare(
		'on a host, against `ssh`',
		() => clicked(admin, onHost.job_id),
		() => bare('ssh', ...known, '-i', town.key, '-p', String(host.port), `root@${host.address}`, 'echo hello'),
	);
	await agent.remove();
} finally {
	await hub.stop();
	await engine.remove();
	await town.remove();
}
