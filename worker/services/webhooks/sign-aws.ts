import { AwsV4Signer } from 'aws4fetch';
import { lambdaRegion } from '#domain/backend-config.ts';
import { namedHeaders } from '#protocol/signed-request.ts';

/** The two parts of an access key, as it is kept; null where it is none. */
export function awsKey(secret: string): { accessKeyId: string; secretAccessKey: string } | null {
	const [, accessKeyId, secretAccessKey] = /^([A-Z0-9]{16,128}):([A-Za-z0-9/+=]{16,256})$/.exec(secret) ?? [];
	return accessKeyId === undefined || secretAccessKey === undefined ? null : { accessKeyId, secretAccessKey };
}

interface Signed {
	event: string;
	id: string;
	body: string;
	version: string;
	url: string;
	method: string;
}

/** The headers of a request that a function at AWS takes from the owner of the key: Signature Version 4, at that moment (milliseconds UTC). */
export async function signedForAws(
	secret: string,
	{ url, method, body, ...named }: Signed,
	now: number,
): Promise<Record<string, string>> {
	const key = awsKey(secret);
	const region = lambdaRegion(url);
	if (!key || region === null) throw new Error('what signs a function of AWS is not there');
	const datetime = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, '');
	const headers = namedHeaders(named);
	const signer = new AwsV4Signer({ ...key, region, service: 'lambda', url, method, body, headers, datetime });
	return Object.fromEntries((await signer.sign()).headers);
}
