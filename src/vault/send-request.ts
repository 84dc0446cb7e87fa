import { readFileSync } from "node:fs";
import { type IncomingMessage, request as requestPlain, type RequestOptions } from "node:http";
import { request as requestTls } from "node:https";

import { GuvnorError } from "../core/errors.ts";
import { unavailable } from "./vault-errors.ts";
import type { VaultSettings } from "./vault-settings.ts";

/** Connecting, waiting and reading together. */
const REQUEST_MS = 3000;
/** What Vault says here is a page at most. */
const MAX_BYTES = 65_536;

export interface VaultRequest {
  readonly method: "GET" | "POST";
  /** Below /v1/. */
  readonly path: string;
  readonly token?: string;
  readonly body?: Readonly<Record<string, string>>;
}

export interface VaultReply {
  readonly status: number;
  /** Undefined where there is none. */
  readonly json: unknown;
}

/**
 * One request to Vault, bounded in time and size. Redirects are not followed: the secret goes where a
 * person said, and nowhere else.
 * @throws {GuvnorError} `issuer_unavailable` where no reply came, or one that Vault does not give.
 */
export async function sendRequest(
  settings: VaultSettings,
  { method, path, token, body }: VaultRequest,
  signal: AbortSignal,
): Promise<VaultReply> {
  const { address, namespace, caFile } = settings;
  const url = new URL(`${address.pathname.replace(/\/+$/, "")}/v1/${path}`, address);
  const isTls = url.protocol === "https:";
  const options: RequestOptions & { ca?: string } = {
    method,
    headers: {
      Accept: "application/json",
      "X-Vault-Request": "true",
      ...(token === undefined ? {} : { "X-Vault-Token": token }),
      ...(namespace === undefined ? {} : { "X-Vault-Namespace": namespace }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    },
    // A connection that was kept may be half closed by now, which would look like a failure.
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
    ...(isTls && caFile !== undefined ? { ca: readCertificates(caFile) } : {}),
  };
  const { status, text } = await exchange(isTls ? requestTls : requestPlain, url, {
    options,
    payload: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status, json: parse(text) };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw unavailable("VAULT_CACERT names a file that cannot be read", error);
  }
}

interface Sent {
  readonly options: RequestOptions;
  readonly payload: string | undefined;
}

async function exchange(
  request: typeof requestPlain | typeof requestTls,
  url: URL,
  { options, payload }: Sent,
): Promise<{ status: number; text: string }> {
  try {
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, options, resolve).on("error", reject).end(payload);
    });
    return { status: reply.statusCode ?? 0, text: await readText(reply) };
  } catch (error) {
    throw error instanceof GuvnorError ? error : unavailable(reasonOf(error), error);
  }
}

async function readText(reply: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop by a throw closes the connection.
  for await (const part of reply as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BYTES) throw unavailable("its answer is too long to be Vault's");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Never the error's text: only codes, which name no secret. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "the request failed";
  if (error.name === "AbortError" || error.name === "TimeoutError") {
    return `it did not answer within ${REQUEST_MS / 1000} s`;
  }
  return "code" in error && typeof error.code === "string"
    ? `the request failed (${error.code})`
    : "the request failed";
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unavailable("its answer is not Vault's", error);
  }
}
