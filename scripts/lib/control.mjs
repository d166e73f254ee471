// Speaks to the hub's LocalControl (worker/local.ts) over the unix socket in the data directory.
import http from 'node:http';
import { Failure } from './failure.mjs';

/**
 * @param {string} socketPath
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export function control(socketPath, method, path, body) {
	const payload = body === undefined ? '' : JSON.stringify(body);
	return new Promise((resolve, reject) => {
		const request = http.request(
			{ socketPath, method, path, headers: { 'content-type': 'application/json' } },
			(response) => {
				response.setEncoding('utf8');
				let text = '';
				response.on('data', (/** @type {string} */ part) => (text += part));
				response.on('end', () => {
					if (response.statusCode === 200) return resolve(JSON.parse(text));
					reject(new Failure(`The hub refused ${method} ${path}: ${response.statusCode} ${text.slice(0, 500)}`));
				});
			},
		);
		request.on('error', (error) =>
			reject(new Failure(`The hub does not answer on its control socket: ${error.message}.`)),
		);
		request.end(payload);
	});
}
