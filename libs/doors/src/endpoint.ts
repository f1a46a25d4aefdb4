import { applyDecorators, HttpCode, SetMetadata } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiExtension,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
} from '@nestjs/swagger';
import { z } from 'zod';
import { ERRORS, type ErrorCode } from '#libs/errors';

/** Who people and machines can be (DESIGN.md §6). `service` is another service of this product. */
export const ROLES = [
  'application-officer',
  'ca-operator',
  'ca-officer',
  'auditor',
  'registration-office',
  'kiosk',
  'service',
] as const;
export type Role = (typeof ROLES)[number];

/** All there is to say of an endpoint, in one place: its door, its contract and its documentation. */
export interface EndpointOptions {
  /** Open to everyone, or the roles of which a caller needs one. */
  allow: 'anyone' | readonly Role[];
  summary: string;
  body?: z.ZodType;
  query?: z.ZodObject;
  params?: z.ZodObject;
  /** What a success answers: a schema of its JSON, or another media type. */
  returns?: z.ZodType | { mediaType: string };
  /** Status of a success. */
  status?: number;
  /** Takes an `Idempotency-Key`. */
  idempotent?: boolean;
  /** Errors of this endpoint's own, beside those any endpoint may answer. */
  errors?: readonly ErrorCode[];
}

const ENDPOINT = Symbol('kaika:endpoint');

/**
 * Declares an endpoint. `DoorGuard` enforces `allow`, `ContractInterceptor` parses body, query and params (unknown
 * members of a body or query are refused), and the OpenAPI document is made from the same schemas.
 */
export function Endpoint(options: EndpointOptions): MethodDecorator {
  const strict: EndpointOptions = { ...options, body: refuseUnknown(options.body), query: options.query?.strict() };
  const decorators: (MethodDecorator | ClassDecorator)[] = [
    SetMetadata(ENDPOINT, strict),
    ApiOperation({ summary: options.summary }),
    ApiExtension('x-kaika-allow', options.allow),
  ];
  if (options.status) decorators.push(HttpCode(options.status));
  if (options.allow !== 'anyone') decorators.push(ApiBearerAuth());
  if (strict.body) decorators.push(ApiBody({ required: true, schema: jsonSchema(strict.body, 'input') }));
  for (const [name, schema] of Object.entries(options.query?.shape ?? {})) {
    const required = !(schema as z.ZodType).safeParse(undefined).success;
    decorators.push(ApiQuery({ name, required, schema: jsonSchema(schema as z.ZodType, 'input') }));
  }
  for (const [name, schema] of Object.entries(options.params?.shape ?? {})) {
    decorators.push(ApiParam({ name, schema: jsonSchema(schema as z.ZodType, 'input') }));
  }
  if (options.idempotent)
    decorators.push(
      ApiHeader({ name: 'Idempotency-Key', required: false, schema: { type: 'string', maxLength: 128 } }),
    );
  decorators.push(success(options), ...problems(options));
  return applyDecorators(...decorators);
}

export function endpointOf(handler: object): EndpointOptions | undefined {
  return Reflect.getMetadata(ENDPOINT, handler) as EndpointOptions | undefined;
}

function refuseUnknown(schema: z.ZodType | undefined): z.ZodType | undefined {
  return schema instanceof z.ZodObject ? schema.strict() : schema;
}

function success(options: EndpointOptions): MethodDecorator {
  const status = options.status ?? 'default';
  const { returns } = options;
  if (!returns) return ApiResponse({ status, description: 'done' });
  const content =
    returns instanceof z.ZodType
      ? { 'application/json': { schema: jsonSchema(returns, 'output') } }
      : { [returns.mediaType]: { schema: { type: 'string', format: 'binary' } } };
  return ApiResponse({ status, description: 'done', content: content });
}

/** One response a status, naming the problem types it can carry. */
function problems(options: EndpointOptions): MethodDecorator[] {
  const codes: ErrorCode[] = [...(options.errors ?? [])];
  if (options.body ?? options.query ?? options.params) codes.push('invalidRequest');
  if (options.body) codes.push('bodyTooLarge', 'unsupportedMediaType');
  if (options.idempotent) codes.push('idempotencyKeyReused');
  if (options.allow !== 'anyone') codes.push('unauthorized', 'forbidden');
  return [...groupByStatus(codes)].map(([status, group]) =>
    ApiResponse({
      status,
      description: group.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('; '),
      content: {
        'application/problem+json': {
          schema: { type: 'object', properties: { type: { enum: group.map((code) => `urn:kaika:error:${code}`) } } },
        },
      } as never,
    }),
  );
}

function groupByStatus(codes: ErrorCode[]): Map<number, ErrorCode[]> {
  const groups = new Map<number, ErrorCode[]>();
  for (const code of codes) groups.set(ERRORS[code].status, [...(groups.get(ERRORS[code].status) ?? []), code]);
  return groups;
}

/** OpenAPI 3.0's dialect; @nestjs/swagger types a schema object more narrowly than zod writes it. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): never {
  return z.toJSONSchema(schema, { target: 'openapi-3.0', io, unrepresentable: 'any' }) as never;
}
