/** What a compiler puts beside decorated classes: the three helpers that the transformed text imports. */

type Decorate = (target: object, key?: string, descriptor?: PropertyDescriptor) => unknown

/** By the module names that the transform writes. */
export const decoratorHelpers: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '@oxc-project/runtime/helpers/decorate': { default: decorate },
  '@oxc-project/runtime/helpers/decorateParam': {
    default: (index: number, of: (target: object, key: string | undefined, index: number) => void): Decorate => {
      return (target, key) => of(target, key, index)
    },
  },
  '@oxc-project/runtime/helpers/decorateMetadata': {
    // NestJS loads reflect-metadata before anything is decorated.
    default: (key: string, value: unknown) =>
      (Reflect as unknown as { metadata(key: string, value: unknown): Decorate }).metadata(key, value),
  },
}

/** Last decorator first; `null` as descriptor means a method that is there. */
function decorate(decorators: Decorate[], target: object, key?: string, given?: PropertyDescriptor | null): unknown {
  if (key === undefined) return decorators.reduceRight<unknown>((made, one) => one(made as object) ?? made, target)
  let descriptor = given ?? Object.getOwnPropertyDescriptor(target, key)
  for (const one of [...decorators].reverse()) {
    descriptor = (one(target, key, descriptor) as PropertyDescriptor | undefined) ?? descriptor
  }
  if (descriptor) Object.defineProperty(target, key, descriptor)
  return descriptor
}
