<?php

namespace Psr\Container {
    interface ContainerInterface {
        /** @return mixed */
        public function get(string $id);
    }
}

namespace Doctrine\Persistence {
    /** @template T of object */
    interface ObjectRepository {
        /** @return T|null */
        public function find(mixed $id);
        /** @return T[] */
        public function findAll(): array;
    }
    interface ManagerRegistry {}
}

namespace Doctrine\Common\Collections {
    /**
     * @template K
     * @template T
     * @extends \IteratorAggregate<K, T>
     */
    interface Collection extends \IteratorAggregate {
        /** @return T|false */
        public function first();
    }
}

namespace Doctrine\ORM {
    use Doctrine\Persistence\ObjectRepository;

    interface EntityManagerInterface {
        /**
         * @template T of object
         * @param class-string<T> $className
         * @return EntityRepository<T>
         */
        public function getRepository(string $className): EntityRepository;
        public function createQueryBuilder(): QueryBuilder;
    }
    /**
     * @template T of object
     * @implements ObjectRepository<T>
     */
    class EntityRepository implements ObjectRepository {
        public function __construct($registry, $class) {}
        public function find(mixed $id): ?object {}
        public function findAll(): array {}
        public function findOneBy(array $criteria): ?object {}
        public function createQueryBuilder(string $alias): QueryBuilder {}
        public function __call(string $method, array $arguments): mixed {}
    }
    class QueryBuilder {
        public function from(string $from, string $alias): static {}
        public function where(mixed ...$predicates): static {}
        public function select(mixed ...$select): static {}
        public function getQuery(): Query {}
    }
    class Query {
        public function getResult(string|int $mode = 1): mixed {}
        public function getOneOrNullResult(): mixed {}
    }
}

namespace Drupal\Core\Entity {
    interface EntityTypeManagerInterface {
        /** @return EntityStorageInterface */
        public function getStorage($entity_type_id);
    }
    interface EntityStorageInterface {
        /** @return EntityInterface|null */
        public function load($id);
        /** @return EntityInterface[] */
        public function loadMultiple(?array $ids = null);
    }
    interface EntityInterface {}
}

namespace {
    class Drupal {
        public static function entityTypeManager(): \Drupal\Core\Entity\EntityTypeManagerInterface {}
    }
    class WP_Query {}
    class WP_Post {}
    class wpdb {}
    function do_action($hook_name, ...$arg) {}
    function press_save($post_ID, $post) {
        /**
         * Fires once a post has been saved.
         *
         * @param int     $post_ID Post ID.
         * @param WP_Post $post    Post object.
         */
        do_action( 'save_post', $post_ID, $post );
        /** @param WP_Query $query */
        $query = apply_filters('press_query', $query);
        /** @param wpdb $other */
        other();
        do_action('press_bare', $post);
    }
}

namespace PHPUnit\Framework {
    abstract class TestCase {}
}

namespace Prophecy\Prophecy {
    class ObjectProphecy {
        public function reveal(): object {}
    }
    class MethodProphecy {}
}
