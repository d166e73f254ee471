import type { Operation } from './document.ts';

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The request as a line for a shell, with the document's own examples. `$UHUB` is where the hub is, `$TOKEN` an API token. */
export function curlOf({ method, path, parameters, requestBody, security }: Operation): string {
	const example = (name: string) => String(parameters.find((p) => p.in === 'path' && p.name === name)?.example ?? 1);
	const address = path.replace(/\{(\w+)\}/g, (_, name: string) => example(name));
	const needed = parameters
		.filter((p) => p.required && p.in === 'query')
		.map((p) => `${p.name}=${String(p.example ?? '…')}`);
	const query = needed.length > 0 ? `?${needed.join('&')}` : '';
	const byToken = security === undefined || security.some((way) => 'token' in way);
	const [media, body] = Object.entries(requestBody?.content ?? {})[0] ?? [];
	return [
		`curl ${method === 'GET' ? '' : `-X ${method} `}"$UHUB${address}${query}"`,
		...(byToken ? ['-H "Authorization: Bearer $TOKEN"'] : security.length > 0 ? ['-b cookies -H "Origin: $UHUB"'] : []),
		...parameters
			.filter((p) => p.required && p.in === 'header')
			.map((p) => `-H ${quoted(`${p.name}: ${String(p.example)}`)}`),
		...(media ? [`-H ${quoted(`Content-Type: ${media}`)}`] : []),
		...(body
			? [body.example === undefined ? '--data-binary @file' : `-d ${quoted(JSON.stringify(body.example))}`]
			: []),
	].join(' \\\n  ');
}
