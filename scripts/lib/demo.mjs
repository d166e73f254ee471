// The demo goes into an empty hub only: one that has its own people gets no accounts it did not ask for.
import { control } from './control.mjs';
import { keepDemoPassword, keptDemoPassword, markChosenPassword, randomPassword } from './secrets.mjs';

/**
 * What to do, given what is there. Each answer is safe to be killed after: the next start comes to the same end.
 * @param {object} found
 * @param {number} found.users
 * @param {'none' | 'begun' | 'done'} found.demo
 * @param {string | null} found.kept the password of an earlier start
 * @param {string | null} found.chosen the password asked for now
 */
export function planDemo({ users, demo, kept, chosen }) {
	if (users > 0 && demo === 'none') return { wanted: false, password: null, seed: false };
	return {
		wanted: true,
		password: chosen ?? kept,
		seed: demo !== 'done' || kept === null || (chosen !== null && chosen !== kept),
	};
}

/** @param {string} dataDir @param {string | null} chosen @param {string} controlSocket */
export async function prepareDemo(dataDir, chosen, controlSocket) {
	const kept = keptDemoPassword(dataDir);
	const plan = planDemo({ ...(await control(controlSocket, 'GET', '/state')), kept, chosen });
	if (!plan.wanted) return null;
	const password = plan.password ?? randomPassword();
	if (chosen) markChosenPassword(dataDir);
	// A password nobody else knows is written down before it is used; one from outside after, so that it is used for sure.
	if (!plan.password) keepDemoPassword(dataDir, password);
	if (plan.seed) await control(controlSocket, 'POST', '/seed', { password });
	if (password !== kept) keepDemoPassword(dataDir, password);
	return { password };
}
