<?php
namespace Illuminate\Support\Facades {
    abstract class Facade {
        protected static function getFacadeAccessor() { throw new \RuntimeException; }
        public static function __callStatic($method, $args) {}
    }
    /**
     * @method static \Illuminate\Contracts\Auth\Authenticatable|null user()
     * @see \Illuminate\Auth\AuthManager
     */
    class Auth extends Facade { protected static function getFacadeAccessor() { return 'auth'; } }
    /** @see \Illuminate\Cache\CacheManager */
    class Cache extends Facade { protected static function getFacadeAccessor() { return 'cache'; } }
}
namespace Illuminate\Contracts\Auth { interface Authenticatable {} interface Guard { public function user(); } interface Factory { public function guard($name = null); } }
namespace Illuminate\Auth { class AuthManager implements \Illuminate\Contracts\Auth\Factory { public function guard($name = null) {} } }
namespace Illuminate\Cache { class CacheManager { public function store($name = null): Repository {} } class Repository {} }
namespace Illuminate\Contracts\Container { interface Container {
    /**
     * @template TClass of object
     * @param string|class-string<TClass> $abstract
     * @return ($abstract is class-string<TClass> ? TClass : mixed)
     */
    public function make($abstract, array $parameters = []);
} }
namespace Illuminate\Foundation {
    class Application implements \Illuminate\Contracts\Container\Container {
        public function make($abstract, array $parameters = []) {}
        public function registerCoreContainerAliases()
        {
            foreach ([
                'app' => [self::class, \Illuminate\Contracts\Container\Container::class],
                'auth' => [\Illuminate\Auth\AuthManager::class, \Illuminate\Contracts\Auth\Factory::class],
                'cache' => [\Illuminate\Cache\CacheManager::class],
            ] as $key => $aliases) {}
        }
    }
}
namespace Illuminate\Support {
    /**
     * @template TKey of array-key
     * @template-covariant TValue
     * @implements \IteratorAggregate<TKey, TValue>
     */
    class Collection implements \IteratorAggregate {
        /**
         * @template TMapValue
         * @param callable(TValue, TKey): TMapValue $callback
         * @return static<TKey, TMapValue>
         */
        public function map(callable $callback) {}
        /**
         * @param (callable(TValue, TKey): bool)|null $callback
         * @return static
         */
        public function filter(?callable $callback = null) {}
        /** @return TValue|null */
        public function first(?callable $callback = null) {}
    }
    class Carbon { }
    class ServiceProvider { protected $app; }
}
namespace Illuminate\Database\Eloquent\Casts {
    /** @template TGet @template TSet */
    class Attribute {
        /**
         * @template TMakeGet
         * @param (callable(mixed, mixed): TMakeGet)|null $get
         * @return static<TMakeGet, mixed>
         */
        public static function make(?callable $get = null, ?callable $set = null): static {}
    }
}
namespace Illuminate\Database\Eloquent\Factories {
    /** @template TModel of \Illuminate\Database\Eloquent\Model */
    abstract class Factory {
        /** @return \Illuminate\Database\Eloquent\Collection<int, TModel>|TModel */
        public function create($attributes = []) {}
        /** @return static */
        public function count(?int $count) {}
    }
}
namespace Illuminate\Http { class Request { public function user($guard = null) {} } }
namespace Illuminate\Database\Query {
    class Builder {
        /** @return $this */
        public function orderBy($column, $direction = 'asc') {}
        /** @return $this */
        public function whereIn($column, $values) {}
    }
}
namespace Illuminate\Database\Eloquent {
    /**
     * @template TModel of \Illuminate\Database\Eloquent\Model
     * @mixin \Illuminate\Database\Query\Builder
     */
    class Builder {
        /**
         * @param (\Closure(static): mixed)|string|array $column
         * @return $this
         */
        public function where($column, $operator = null, $value = null) {}
        /** @return ($id is array<mixed> ? \Illuminate\Database\Eloquent\Collection<int, TModel> : TModel|null) */
        public function find($id, $columns = ['*']) {}
        /** @return TModel|null */
        public function first($columns = ['*']) {}
        /** @return \Illuminate\Database\Eloquent\Collection<int, TModel> */
        public function get($columns = ['*']) {}
        public function __call($method, $parameters) {}
    }
    abstract class Model {
        /** @return \Illuminate\Database\Eloquent\Builder<static> */
        public static function query() {}
        /** @return \Illuminate\Database\Eloquent\Collection<int, static> */
        public static function all($columns = ['*']) {}
        /**
         * @template TRelatedModel of \Illuminate\Database\Eloquent\Model
         * @param class-string<TRelatedModel> $related
         * @return \Illuminate\Database\Eloquent\Relations\HasMany<TRelatedModel, $this>
         */
        public function hasMany($related, $foreignKey = null) {}
        /**
         * @template TRelatedModel of \Illuminate\Database\Eloquent\Model
         * @param class-string<TRelatedModel> $related
         * @return \Illuminate\Database\Eloquent\Relations\BelongsTo<TRelatedModel, $this>
         */
        public function belongsTo($related, $foreignKey = null) {}
        /** @return \Illuminate\Database\Eloquent\Relations\MorphTo<\Illuminate\Database\Eloquent\Model, $this> */
        public function morphTo($name = null) {}
        protected $casts = [];
        protected $fillable = [];
        public function newEloquentBuilder($query) { return new Builder($query); }
        public function newCollection(array $models = []) { return new Collection($models); }
        public function __get($key) {}
        public function __call($method, $parameters) {}
        public static function __callStatic($method, $parameters) {}
    }
    /**
     * @template TKey of array-key
     * @template TModel of \Illuminate\Database\Eloquent\Model
     * @extends \Illuminate\Support\Collection<TKey, TModel>
     */
    class Collection extends \Illuminate\Support\Collection {}
}
namespace Illuminate\Database\Eloquent\Relations {
    /**
     * @template TRelatedModel of \Illuminate\Database\Eloquent\Model
     * @template TDeclaringModel of \Illuminate\Database\Eloquent\Model
     * @template TResult
     * @mixin \Illuminate\Database\Eloquent\Builder<TRelatedModel>
     */
    abstract class Relation { public function __call($method, $parameters) {} }
    /**
     * @template TRelatedModel of \Illuminate\Database\Eloquent\Model
     * @template TDeclaringModel of \Illuminate\Database\Eloquent\Model
     * @extends Relation<TRelatedModel, TDeclaringModel, \Illuminate\Database\Eloquent\Collection<int, TRelatedModel>>
     */
    class HasMany extends Relation {}
    /**
     * @template TRelatedModel of \Illuminate\Database\Eloquent\Model
     * @template TDeclaringModel of \Illuminate\Database\Eloquent\Model
     * @extends Relation<TRelatedModel, TDeclaringModel, ?TRelatedModel>
     */
    class BelongsTo extends Relation {
        /** @return $this */
        public function withDefault($callback = true) {}
    }
    /** @extends Relation<\Illuminate\Database\Eloquent\Model, \Illuminate\Database\Eloquent\Model, mixed> */
    class MorphTo extends Relation {}
}
namespace {
    /**
     * @template TKey of array-key
     * @template TValue
     * @param iterable<TKey, TValue>|null $value
     * @return \Illuminate\Support\Collection<TKey, TValue>
     */
    function collect($value = []) {}
    /**
     * @template TClass of object
     * @param string|class-string<TClass>|null $abstract
     * @return ($abstract is class-string<TClass> ? TClass : ($abstract is null ? \Illuminate\Foundation\Application : mixed))
     */
    function app($abstract = null, array $parameters = []) {}
    /** @return ($guard is null ? \Illuminate\Contracts\Auth\Factory : \Illuminate\Contracts\Auth\Guard) */
    function auth($guard = null) {}
}
