<?php
// What PHP's own functions and classes take and give, as far as it leads on to
// classes of a project. Written for fimd by PHP's manual.

/**
 * @template K
 * @template V
 */
interface Traversable {}
/**
 * @template K
 * @template V
 * @extends Traversable<K, V>
 */
interface Iterator extends Traversable {
    /** @return V */ public function current();
    /** @return K */ public function key();
}
/**
 * @template K
 * @template V
 * @extends Traversable<K, V>
 */
interface IteratorAggregate extends Traversable {
    /** @return Traversable<K, V> */ public function getIterator();
}
/**
 * @template K
 * @template V
 */
interface ArrayAccess {
    /** @return V */ public function offsetGet($offset);
}
interface Countable {}
interface Stringable {}
interface JsonSerializable {}
interface UnitEnum {}
interface BackedEnum extends UnitEnum {}
/**
 * @template K
 * @template V
 * @template S
 * @template R
 * @implements Iterator<K, V>
 */
final class Generator implements Iterator {
    /** @return V */ public function current() {}
    /** @return V */ public function send($value) {}
    /** @return R */ public function getReturn() {}
}
final class Closure {
    public function bindTo(?object $newThis): ?Closure {}
}
/**
 * @template K
 * @template V
 * @implements Iterator<K, V>
 * @implements ArrayAccess<K, V>
 */
class ArrayIterator implements Iterator, ArrayAccess, Countable {
    /** @param array<K, V> $array */
    public function __construct($array = []) {}
    /** @return V */ public function current() {}
    /** @return V */ public function offsetGet($key) {}
}
/**
 * @template K
 * @template V
 * @implements IteratorAggregate<K, V>
 * @implements ArrayAccess<K, V>
 */
class ArrayObject implements IteratorAggregate, ArrayAccess, Countable {
    /** @param array<K, V> $array */
    public function __construct($array = []) {}
    /** @return ArrayIterator<K, V> */ public function getIterator() {}
    /** @return V */ public function offsetGet($key) {}
}
/**
 * @template K
 * @template V
 * @template I of Traversable<K, V>
 * @implements Iterator<K, V>
 */
class IteratorIterator implements Iterator {
    /** @param Traversable<K, V> $iterator */
    public function __construct($iterator) {}
    /** @return I */ public function getInnerIterator() {}
    /** @return V */ public function current() {}
}
/**
 * @template K
 * @template V
 * @extends IteratorIterator<K, V>
 */
abstract class FilterIterator extends IteratorIterator {}
/**
 * @template K
 * @template V
 * @extends FilterIterator<K, V>
 */
class CallbackFilterIterator extends FilterIterator {}
/**
 * @template K
 * @template V
 * @extends IteratorIterator<K, V>
 */
class LimitIterator extends IteratorIterator {}
/**
 * @template K
 * @template V
 * @extends IteratorIterator<K, V>
 */
class AppendIterator extends IteratorIterator {}
/**
 * @template V
 * @implements Iterator<int, V>
 * @implements ArrayAccess<int, V>
 */
class SplDoublyLinkedList implements Iterator, ArrayAccess, Countable {
    /** @return V */ public function current() {}
    /** @return V */ public function top() {}
    /** @return V */ public function bottom() {}
    /** @return V */ public function pop() {}
    /** @return V */ public function shift() {}
    /** @return V */ public function offsetGet($index) {}
}
/**
 * @template V
 * @extends SplDoublyLinkedList<V>
 */
class SplQueue extends SplDoublyLinkedList {
    /** @return V */ public function dequeue() {}
}
/**
 * @template V
 * @extends SplDoublyLinkedList<V>
 */
class SplStack extends SplDoublyLinkedList {}
/**
 * @template P
 * @template V
 * @implements Iterator<int, V>
 */
class SplPriorityQueue implements Iterator, Countable {
    /** @return V */ public function top() {}
    /** @return V */ public function extract() {}
    /** @return V */ public function current() {}
}
/**
 * @template V
 * @implements Iterator<int, V>
 * @implements ArrayAccess<int, V>
 */
class SplFixedArray implements Iterator, ArrayAccess, Countable {
    /** @return V */ public function offsetGet($index) {}
    /** @return V */ public function current() {}
}
/**
 * @template O of object
 * @template D
 * @implements Iterator<int, O>
 * @implements ArrayAccess<O, D>
 */
class SplObjectStorage implements Iterator, ArrayAccess, Countable {
    /** @return O */ public function current() {}
    /** @return D */ public function getInfo() {}
    /** @return D */ public function offsetGet($object) {}
}
/**
 * @template K of object
 * @template V
 * @implements IteratorAggregate<K, V>
 * @implements ArrayAccess<K, V>
 */
final class WeakMap implements IteratorAggregate, ArrayAccess, Countable {
    /** @return V */ public function offsetGet($object) {}
}
/** @template T of object */
final class WeakReference {
    /**
     * @template N of object
     * @param N $object
     * @return WeakReference<N>
     */
    public static function create(object $object) {}
    /** @return T|null */ public function get() {}
}
interface Throwable extends Stringable {
    /** @return Throwable|null */ public function getPrevious();
}
class Exception implements Throwable {}
class ErrorException extends Exception {}
class Error implements Throwable {}
class TypeError extends Error {}
class ValueError extends Error {}
class ArithmeticError extends Error {}
class ArgumentCountError extends TypeError {}
class JsonException extends Exception {}
class LogicException extends Exception {}
class BadFunctionCallException extends LogicException {}
class BadMethodCallException extends BadFunctionCallException {}
class DomainException extends LogicException {}
class InvalidArgumentException extends LogicException {}
class LengthException extends LogicException {}
class OutOfRangeException extends LogicException {}
class RuntimeException extends Exception {}
class OutOfBoundsException extends RuntimeException {}
class OverflowException extends RuntimeException {}
class RangeException extends RuntimeException {}
class UnderflowException extends RuntimeException {}
class UnexpectedValueException extends RuntimeException {}
interface DateTimeInterface {}
class DateTime implements DateTimeInterface {}
class DateTimeImmutable implements DateTimeInterface {}
class stdClass {}
/** @template T of object */
class ReflectionClass {
    /** @param class-string<T>|T $objectOrClass */
    public function __construct($objectOrClass) {}
    /** @return T */ public function newInstance(...$args) {}
    /** @return T */ public function newInstanceArgs(array $args = []) {}
    /** @return T */ public function newInstanceWithoutConstructor() {}
}
/**
 * @template K
 * @template T
 * @template R
 * @param (callable(T): R)|null $callback
 * @param array<K, T> $array
 * @return array<K, R>
 */
function array_map($callback, $array, ...$arrays) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @param (callable(T, K): mixed)|null $callback
 * @return array<K, T>
 */
function array_filter($array, $callback = null, $mode = 0) {}
/**
 * @template T
 * @template R
 * @param array<T> $array
 * @param callable(R, T): R $callback
 * @param R $initial
 * @return R
 */
function array_reduce($array, $callback, $initial = null) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @param callable(T, K): mixed $callback
 */
function array_walk(&$array, $callback, $arg = null) {}
/**
 * @template T
 * @param array<T> $array
 * @param callable(T, T): int $callback
 */
function usort(&$array, $callback) {}
/**
 * @template T
 * @param array<T> $array
 * @param callable(T, T): int $callback
 */
function uasort(&$array, $callback) {}
/**
 * @template K
 * @param array<K, mixed> $array
 * @param callable(K, K): int $callback
 */
function uksort(&$array, $callback) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @param callable(T, K): bool $callback
 * @return T|null
 */
function array_find($array, $callback) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @param callable(T, K): bool $callback
 * @return K|null
 */
function array_find_key($array, $callback) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @param callable(T, K): bool $callback
 */
function array_any($array, $callback): bool {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @param callable(T, K): bool $callback
 */
function array_all($array, $callback): bool {}
/**
 * @template T
 * @param array<T> $array
 * @return T|null
 */
function array_first($array) {}
/**
 * @template T
 * @param array<T> $array
 * @return T|null
 */
function array_last($array) {}
/**
 * @template T
 * @param array<T> $array
 * @return T|null
 */
function array_pop(&$array) {}
/**
 * @template T
 * @param array<T> $array
 * @return T|null
 */
function array_shift(&$array) {}
/**
 * @template T
 * @param array<T> $array
 * @return T|false
 */
function current($array) {}
/**
 * @template T
 * @param array<T> $array
 * @return T|false
 */
function pos($array) {}
/**
 * @template T
 * @param array<T> $array
 * @return T|false
 */
function end(&$array) {}
/**
 * @template T
 * @param array<T> $array
 * @return T|false
 */
function reset(&$array) {}
/**
 * @template T
 * @param array<T> $array
 * @return T|false
 */
function next(&$array) {}
/**
 * @template T
 * @param array<T> $array
 * @return T|false
 */
function prev(&$array) {}
/**
 * @template K
 * @param array<K, mixed> $array
 * @return K|null
 */
function key($array) {}
/**
 * @template K
 * @param array<K, mixed> $array
 * @return K|null
 */
function array_key_first($array) {}
/**
 * @template K
 * @param array<K, mixed> $array
 * @return K|null
 */
function array_key_last($array) {}
/**
 * @template K
 * @param array<K, mixed> $array
 * @return list<K>
 */
function array_keys($array) {}
/**
 * @template T
 * @param array<T> $array
 * @return list<T>
 */
function array_values($array) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @return array<K, T>
 */
function array_slice($array, $offset, $length = null, $preserve = false) {}
/**
 * @template T
 * @param array<T> $array
 * @return list<T>
 */
function array_splice(&$array, $offset, $length = null, $replacement = []) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @return array<K, T>
 */
function array_reverse($array, $preserve = false) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @return array<K, T>
 */
function array_unique($array, $flags = 2) {}
/**
 * @template K
 * @template T
 * @param array<K, T> ...$arrays
 * @return array<K, T>
 */
function array_merge(...$arrays) {}
/**
 * @template K
 * @template T
 * @param array<K, T> ...$arrays
 * @return array<K, T>
 */
function array_replace(...$arrays) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @return array<K, T>
 */
function array_diff($array, ...$arrays) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @return array<K, T>
 */
function array_diff_key($array, ...$arrays) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @return array<K, T>
 */
function array_intersect_key($array, ...$arrays) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @return array<K, T>
 */
function array_udiff($array, ...$rest) {}
/**
 * @template T
 * @param array<T> $array
 * @param T $value
 * @return array<T>
 */
function array_pad($array, $length, $value) {}
/**
 * @template T
 * @param T $value
 * @return array<int, T>
 */
function array_fill($start, $count, $value) {}
/**
 * @template K
 * @template T
 * @param array<K> $keys
 * @param T $value
 * @return array<K, T>
 */
function array_fill_keys($keys, $value) {}
/**
 * @template K
 * @template T
 * @param array<K> $keys
 * @param array<T> $values
 * @return array<K, T>
 */
function array_combine($keys, $values) {}
/**
 * @template K
 * @template T
 * @param array<K, T> $array
 * @return list<array<K, T>>
 */
function array_chunk($array, $length, $preserve = false) {}
/**
 * @template K
 * @template T
 * @param iterable<K, T> $iterator
 * @return array<K, T>
 */
function iterator_to_array($iterator, $preserve = true) {}
/**
 * @template T
 * @param array<T>|T $value
 * @param T ...$values
 * @return T
 */
function max($value, ...$values) {}
/**
 * @template T
 * @param array<T>|T $value
 * @param T ...$values
 * @return T
 */
function min($value, ...$values) {}
