<?php

namespace App\Entity {
    use App\Repository\TagRepository;
    use Doctrine\ORM\Mapping as ORM;

    #[ORM\Entity(repositoryClass: TagRepository::class)]
    class Tag {
        #[ORM\OneToMany(mappedBy: 'tag', targetEntity: Mark::class)]
        private $marks;
        #[ORM\ManyToOne(targetEntity: Owner::class)]
        private $owner;
        /** @ORM\OneToMany(targetEntity="App\Entity\Mark") */
        public \Doctrine\Common\Collections\Collection $old;
        public function getMarks() { return $this->marks; }
        public function getOwner() { return $this->owner; }
    }
    #[ORM\Entity]
    class Mark {}
    class Owner {}
}

namespace App\Repository {
    use App\Entity\{Mark, Tag};
    use Doctrine\ORM\EntityRepository;

    class TagRepository extends EntityRepository {
        public function __construct($registry) { parent::__construct($registry, Tag::class); }
        public function newest(): Tag {}
        public function findSpecial(): Mark {}
    }
}

namespace Drupal\shop\Entity {
    #[ContentEntityType(
        id: 'shop_line',
        handlers: ['storage' => \Drupal\shop\LineStorage::class],
    )]
    class Line implements \Drupal\Core\Entity\EntityInterface {}
    /**
     * @ContentEntityType(
     *   id = "basket",
     * )
     */
    class Basket implements \Drupal\Core\Entity\EntityInterface {}
}

namespace Drupal\shop {
    interface LineStorageInterface extends \Drupal\Core\Entity\EntityStorageInterface {}
    class LineStorage implements LineStorageInterface {}
}

namespace {
    add_action('init', 'start');
}
