import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { catchError, type Observable } from 'rxjs';
import { CaError } from '#libs/errors';
import { hintOf } from './page/hints.js';

/** Beside the name of what is wrong with reader or card, what the holder can do about it, in both languages. */
@Injectable()
export class HintInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        const hint = error instanceof CaError ? hintOf(error) : undefined;
        if (!hint || !(error instanceof CaError)) throw error;
        throw new CaError(error.code, error.message, { ...error.params, hint }, { cause: error.cause });
      }),
    );
  }
}
