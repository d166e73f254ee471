import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { seedDemo } from '#worker/seed/index.ts';
import { person } from './api-world.ts';

it('the demo does not touch a hub that has people of its own', async () => {
	const admin = await person('admin', { username: 'admin' });
	await expect(seedDemo(env, { password: 'a password to take over' })).rejects.toThrow('empty one only');
	expect(await env.DB.prepare('select count(*) as n from users').first('n')).toBe(1);
	expect(await env.DB.prepare('select count(*) as n from identities where user_id = ?').bind(admin.id).first('n')).toBe(
		0,
	);
});
