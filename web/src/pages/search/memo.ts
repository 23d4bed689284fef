/* A component that is drawn again only when one of its properties is another one. */
import type { ComponentType, FunctionComponent } from "preact";
import { Component, h } from "preact";

export function memo<P extends object>(Inner: FunctionComponent<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const keys = Object.keys(next) as (keyof P)[];
      return keys.length !== Object.keys(this.props).length || keys.some((key) => next[key] !== (this.props as P)[key]);
    }
    override render() {
      return h(Inner as ComponentType<P>, this.props as P);
    }
  };
}
